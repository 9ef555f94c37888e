import { isUpTo, pointAfter, pointAt, streamPositionAt, type TimelinePoint } from '@atoll/database';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { ClientEvents, type Viewer } from '../../events/client-events.js';
import { pointBackFrom, pointOf, tokenOf } from '../access/pagination-token.js';
import { RoomAccess } from '../access/room-access.js';
import { SenderMembers } from '../access/sender-members.js';
import type { GetRoomEvents } from './get-room-events.controller.js';
import { ScrollBack } from './scroll-back.js';

/** Pages through a room's timeline. */
@Injectable()
export class GetRoomEventsHandler {
  constructor(
    private readonly access: RoomAccess,
    private readonly pages: ScrollBack,
    private readonly senders: SenderMembers,
    private readonly clientEvents: ClientEvents,
  ) {}

  /**
   * 1. May the user read the room, and up to where?
   * 2. Where to start and to stop, never beyond that point.
   * 3. A page of visible events that the filter lets through, going back with the help of other servers.
   * 4. With lazy loading, the member events of their senders.
   */
  async handle(viewer: Viewer, roomId: RoomId, query: GetRoomEvents): Promise<JsonObject> {
    const { room, until } = await this.access.readable(viewer.userId, roomId);
    const { dir, limit, filter } = query;
    const from = earlier(
      query.from === undefined ? undefined : dir === 'b' ? pointBackFrom(query.from) : pointOf(query.from),
      dir === 'b' && until !== undefined ? pointAt(until) : undefined,
    );
    const to = earlier(
      query.to === undefined ? undefined : pointOf(query.to),
      dir === 'f' && until !== undefined ? pointAt(until) : undefined,
    );
    const page = await this.pages.read(viewer, room, { dir, from, to, limit, filter });
    const [first] = page.served;
    const members =
      filter.lazy_load_members === true && first !== undefined
        ? await this.senders.at(room.roomNid, streamPositionAt(pointAfter(first.event)), page.served)
        : [];
    return {
      start: query.from ?? tokenOf(page.start),
      ...(page.end !== undefined && { end: tokenOf(page.end) }),
      chunk: page.served.map(({ body }) => body),
      ...(members.length > 0 && { state: this.clientEvents.serveState(viewer, members) }),
    };
  }
}

function earlier(a: TimelinePoint | undefined, b: TimelinePoint | undefined): TimelinePoint | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return isUpTo(a, b) ? a : b;
}
