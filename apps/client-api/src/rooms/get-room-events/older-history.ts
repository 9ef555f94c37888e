import { BackfillRoom } from '@atoll/contract';
import { HistoryReader, type RoomRecord, type TimelinePoint } from '@atoll/database';
import { MatrixError } from '@atoll/matrix';
import { RoomClient } from '@atoll/service';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';

/** What asking for older history has led to; `failed` may be tried again later. */
export type Fetched = 'added' | 'nothing' | 'failed';

/** Bounds of what one request to other servers is for: few events are not worth one. */
const LEAST = 20;
const MOST = 100;
const LONG_MS = 5_000;
const UNFILLED_MS = 60_000;

export interface HistoryQuestion {
  /** The position of the event before which something is missing. */
  readonly before: number;
  /** About how many. */
  readonly events: number;
  readonly timeoutMs: number;
}

/** Gets history that this server missed, from before it came into a room or since, where somebody scrolls back to it. */
@Injectable()
export class OlderHistory {
  readonly #unfilled = new LRUCache<string, true>({ max: 10_000, ttl: UNFILLED_MS });

  constructor(
    private readonly history: HistoryReader,
    private readonly rooms: RoomClient,
  ) {}

  /**
   * The newest place that somebody who read backwards came to, and at which other servers may know more: the position of the event that
   * follows.
   * @param from where the reading began; everything, when undefined
   * @param to where it ended; everything that there is was read, when undefined
   */
  gapBetween(
    { roomNid }: RoomRecord,
    from: TimelinePoint | undefined,
    to: TimelinePoint | undefined,
  ): Promise<number | undefined> {
    return this.history.newestGap(roomNid, {
      upTo: from === undefined ? Number.MAX_SAFE_INTEGER : from[0],
      above: to === undefined ? Number.MIN_SAFE_INTEGER : to[0],
    });
  }

  /** Asks for about so many events, which then come just before the event at a position, and after all that came before it. */
  async fetch({ roomId }: RoomRecord, { before, events, timeoutMs }: HistoryQuestion): Promise<Fetched> {
    const limit = Math.min(Math.max(events, LEAST), MOST);
    const wanted = { roomId, limit, before };
    try {
      const { added } = await this.rooms.request(BackfillRoom, wanted, { timeoutMs });
      return added > 0 ? 'added' : 'nothing';
    } catch (error) {
      if (error instanceof MatrixError) return 'failed';
      throw error;
    }
  }

  /** The same, but where nothing was to be had, or took long, nobody is asked again for a while: then there is nothing. */
  async fetchOnce(room: RoomRecord, question: HistoryQuestion): Promise<Fetched> {
    const place = `${room.roomNid} ${question.before}`;
    if (this.#unfilled.has(place)) return 'nothing';
    const began = performance.now();
    const fetched = await this.fetch(room, question);
    const isLong = performance.now() - began > LONG_MS;
    if (fetched === 'nothing' || (fetched === 'failed' && isLong)) this.#unfilled.set(place, true);
    return fetched;
  }
}
