import { type JsonObject, notFound, type RoomId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import type { Viewer } from '../../events/client-events.js';
import { RoomAccess } from '../access/room-access.js';
import { CloserHistory } from './closer-history.js';
import type { TimePoint } from './time-point.js';
import { VisibleEventTimes } from './visible-event-times.js';

/** Finds the event of a room that is closest to a time. */
@Injectable()
export class GetEventByTimestampHandler {
  constructor(
    private readonly access: RoomAccess,
    private readonly times: VisibleEventTimes,
    private readonly closer: CloserHistory,
  ) {}

  /**
   * 1. May the user read the room, and up to where?
   * 2. The closest event that is here and that the user may see.
   * 3. Where other servers have something closer, it is brought here, and the search is done again.
   * @throws MatrixError 403 for the room, 404 when there is no event
   */
  async handle({ userId }: Viewer, roomId: RoomId, point: TimePoint): Promise<JsonObject> {
    const readable = await this.access.readable(userId, roomId);
    const here = await this.times.closest(userId, readable, point);
    const isMore = await this.closer.bring(readable.room, point, here);
    const found = isMore ? await this.times.closest(userId, readable, point) : here;
    if (found === undefined) throw notFound('There is no event in this direction');
    return { event_id: found.eventId, origin_server_ts: found.originServerTs };
  }
}
