import {
  EventReader,
  pointAfter,
  pointAt,
  pointBefore,
  type StoredEvent,
  type TimelinePoint,
  type TimelineRange,
} from '@atoll/database';
import { Injectable } from '@nestjs/common';
import { ClientEvents, type ServedEvent, type Viewer } from '../../events/client-events.js';
import type { RoomEventFilter } from '../../events/room-event-filter.js';
import { WantedEvents } from '../../events/wanted-events.js';

/** A stretch of the timeline between points, as `TimelineRange` has them. */
export interface PageRange {
  readonly dir: 'b' | 'f';
  readonly from: TimelinePoint | undefined;
  readonly to: TimelinePoint | undefined;
  readonly limit: number;
  readonly filter: RoomEventFilter;
}

export interface TimelinePage {
  readonly served: readonly ServedEvent[];
  readonly start: TimelinePoint;
  /** The point up to which events were read. */
  readonly reached: TimelinePoint;
  /** Where the next page starts; undefined when there is none. */
  readonly end: TimelinePoint | undefined;
}

/** Events that one read takes at least while a filter or the history visibility may hide most of them. */
const MIN_READ = 50;
/** Reads for one answer: past this the client gets what there is and comes again. */
const MAX_READS = 10;
/** Where a page of nothing is. */
const START = pointAt(0);

/** Fills a page with events that the viewer may see and wants. */
@Injectable()
export class TimelinePages {
  constructor(
    private readonly events: EventReader,
    private readonly clientEvents: ClientEvents,
    private readonly wantedEvents: WantedEvents,
  ) {}

  /** A page of the room's timeline. */
  read(viewer: Viewer, roomNid: number, range: PageRange): Promise<TimelinePage> {
    return this.fill(viewer, range, (bounds) => this.events.timeline(roomNid, bounds));
  }

  /** A page of some of the events of a timeline, which `select` reads in the order of the direction. */
  async fill(
    viewer: Viewer,
    range: PageRange,
    select: (bounds: TimelineRange) => Promise<StoredEvent[]>,
  ): Promise<TimelinePage> {
    const { dir, limit, filter } = range;
    const wantedOf = await this.wantedEvents.of(viewer, filter);
    const served: ServedEvent[] = [];
    let start = range.from;
    let end = range.from;
    for (let reads = 0; reads < MAX_READS && served.length < limit; reads++) {
      const missing = limit - served.length;
      const wanted = reads === 0 ? missing : Math.max(missing, MIN_READ);
      const bounds = {
        ...(end !== undefined && { from: end }),
        ...(range.to !== undefined && { to: range.to }),
      };
      // One more than wanted tells whether there is more.
      const read = await select({ dir, ...bounds, limit: wanted + 1 });
      const taken = read.slice(0, wanted);
      const visible = await this.clientEvents.serve(viewer, await wantedOf(taken));
      served.push(...visible.slice(0, missing));
      start ??= taken[0] && nearSide(taken[0], dir);
      const last = visible.length > missing ? visible[missing - 1]?.event : taken.at(-1);
      if (last !== undefined) end = farSide(last, dir);
      const isLast = read.length <= wanted && visible.length <= missing;
      if (isLast) return { served, start: start ?? START, reached: end ?? START, end: undefined };
    }
    return { served, start: start ?? START, reached: end ?? START, end };
  }
}

/** The point at which a reader that goes in the direction meets the event next. */
function nearSide(event: StoredEvent, dir: 'b' | 'f'): TimelinePoint {
  return dir === 'b' ? pointAfter(event) : pointBefore(event);
}

/** The point at which such a reader has passed the event. */
function farSide(event: StoredEvent, dir: 'b' | 'f'): TimelinePoint {
  return dir === 'b' ? pointBefore(event) : pointAfter(event);
}
