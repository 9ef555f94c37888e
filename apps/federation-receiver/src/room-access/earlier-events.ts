import { EVENT_STATUS, type EventText, EventTextReader } from '@atoll/database';
import { type EventId, prevEventIds } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { CHECKED } from './room-entitlement.js';
import { parsedPdu } from './served-pdu.js';

export interface WalkBack {
  readonly from: readonly EventId[];
  /** Whether the events of `from` count themselves. */
  readonly inclusive: boolean;
  /** Neither counted nor walked through. */
  readonly without?: readonly EventId[];
  /** Events of a lower depth are neither counted nor walked through. */
  readonly minDepth?: number;
  readonly limit: number;
}

export interface WalkedEvent {
  readonly event: EventText;
  readonly depth: number;
}

const WALKABLE = [...CHECKED, EVENT_STATUS.rejected];
/** Forks can make a walk wide: enough for the greatest limit with a few of them. */
const MAX_VISITED = 500;
/** Events have up to 64 KiB, and parsing holds the event loop. */
const PAGE = 50;

/** Walks a room's events backwards by `prev_events`, level by level. */
@Injectable()
export class EarlierEvents {
  constructor(private readonly texts: EventTextReader) {}

  /**
   * The nearest events first, then the deepest. Rejected ones are walked through, but do not count; behind outliers and
   * events that this server does not have there is nothing.
   */
  async walk(roomNid: number, walk: WalkBack): Promise<WalkedEvent[]> {
    const { limit } = walk;
    const visited = new Visited(walk.without);
    const found: WalkedEvent[] = [];
    let level = visited.add(walk.from);
    for (let distance = 0; level.length > 0 && found.length < limit; distance++) {
      const events = await this.load(roomNid, level, walk.minDepth ?? 0);
      if (distance > 0 || walk.inclusive) found.push(...events.filter(isServed));
      level = visited.add(events.flatMap(({ prev }) => prev));
    }
    return found.slice(0, limit);
  }

  private async load(roomNid: number, eventIds: readonly EventId[], minDepth: number) {
    const events: (WalkedEvent & { prev: readonly EventId[] })[] = [];
    for (let start = 0; start < eventIds.length; start += PAGE) {
      for (const event of await this.texts.byIds(roomNid, eventIds.slice(start, start + PAGE))) {
        if (!WALKABLE.includes(event.status)) continue;
        const pdu = parsedPdu(event);
        if (pdu.depth >= minDepth) events.push({ event, depth: pdu.depth, prev: prevEventIds(pdu) });
      }
    }
    return events.sort((a, b) => b.depth - a.depth);
  }
}

const isServed = ({ event }: WalkedEvent) => CHECKED.includes(event.status);

/** The ids that a walk has met, a bounded number of them. */
class Visited {
  private readonly ids: Set<EventId>;
  private readonly maxSize: number;

  constructor(without: readonly EventId[] = []) {
    this.ids = new Set(without);
    this.maxSize = this.ids.size + MAX_VISITED;
  }

  /** Gives those that were not met before. */
  add(eventIds: readonly EventId[]): EventId[] {
    return eventIds.filter((eventId) => {
      if (this.ids.has(eventId) || this.ids.size >= this.maxSize) return false;
      this.ids.add(eventId);
      return true;
    });
  }
}
