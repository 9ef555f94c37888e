import { EventReader, type EventTime, EventTimeReader, isUpTo, pointAfter, pointAt } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { VisibleEvents } from '../../events/visible-events.js';
import type { ReadableRoom } from '../access/room-access.js';
import type { TimePoint } from './time-point.js';

const PAGE = 50;
/** Behind so many pages of events that the viewer may not see, nothing is looked for. */
const MAX_PAGES = 4;

/** Finds events by time among those that a user may see. */
@Injectable()
export class VisibleEventTimes {
  constructor(
    private readonly times: EventTimeReader,
    private readonly events: EventReader,
    private readonly visible: VisibleEvents,
  ) {}

  async closest(
    viewer: UserId,
    { room, until }: ReadableRoom,
    { ts, dir }: TimePoint,
  ): Promise<EventTime | undefined> {
    for (let page = 0; page < MAX_PAGES; page++) {
      const times = await this.times.near(room.roomNid, ts, dir, { offset: page * PAGE, limit: PAGE });
      const events = await this.events.byNids(times.map(({ eventNid }) => eventNid));
      const reachable = [...events.values()].filter(
        (event) => until === undefined || isUpTo(pointAfter(event), pointAt(until)),
      );
      const seen = await this.visible.membershipsAt(viewer, reachable);
      const found = times.find(({ eventNid }) => seen.has(eventNid));
      if (found !== undefined || times.length < PAGE) return found;
    }
    return undefined;
  }
}
