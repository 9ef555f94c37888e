import {
  type ChildrenRange,
  EventReader,
  MAX_RELATION_DEPTH,
  pointAt,
  positionOf,
  RelationReader,
  RoomReader,
  type StoredEvent,
} from '@atoll/database';
import { type EventId, type JsonObject, notFound, type RoomId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import type { Viewer } from '../../events/client-events.js';
import { VisibleEvents } from '../../events/visible-events.js';
import { pointOf, tokenOf } from '../../rooms/access/pagination-token.js';
import { TimelinePages } from '../../rooms/get-room-events/timeline-pages.js';
import type { GetRelatingEvents } from './get-relating-events.controller.js';

type Wanted = Pick<ChildrenRange, 'parentId' | 'relType' | 'eventType'>;

/** Pages through the children of an event. */
@Injectable()
export class GetRelatingEventsHandler {
  constructor(
    private readonly rooms: RoomReader,
    private readonly events: EventReader,
    private readonly relations: RelationReader,
    private readonly visible: VisibleEvents,
    private readonly pages: TimelinePages,
  ) {}

  /**
   * 1. May the user see the parent?
   * 2. A page of children that the user may see, without those of ignored users.
   * @throws MatrixError 404 for the parent, 400 for a token
   */
  async handle(
    viewer: Viewer,
    roomId: RoomId,
    wanted: Wanted,
    query: GetRelatingEvents,
  ): Promise<JsonObject> {
    const { dir, limit, from, to, recurse } = query;
    const { roomNid } = await this.parent(viewer, roomId, wanted.parentId);
    const range = {
      dir,
      limit,
      from: from === undefined ? undefined : pointAt(positionOf(pointOf(from))),
      to: to === undefined ? undefined : pointAt(positionOf(pointOf(to))),
      filter: {},
    };
    const { served, end } = await this.pages.fill(viewer, range, async (bounds) => {
      const nids = await this.relations.children(roomNid, {
        ...wanted,
        dir,
        limit: bounds.limit,
        ...(bounds.from && { from: bounds.from[1] }),
        ...(bounds.to && { to: bounds.to[1] }),
        recurse: recurse === true,
      });
      const found = await this.events.byNids(nids);
      return nids.flatMap((nid) => found.get(nid) ?? []);
    });
    return {
      chunk: served.map(({ body }) => body),
      ...(end !== undefined && { next_batch: tokenOf(pointAt(end[1])) }),
      ...(from !== undefined && { prev_batch: from }),
      ...(recurse !== undefined && { recursion_depth: recurse ? MAX_RELATION_DEPTH : 1 }),
    };
  }

  private async parent(viewer: Viewer, roomId: RoomId, eventId: EventId): Promise<StoredEvent> {
    const event = (await this.events.byIds([eventId])).get(eventId);
    if (event?.roomId !== roomId) throw unseen();
    const membership = await this.rooms.membershipOf(viewer.userId, event.roomNid);
    const seen = await this.visible.membershipsAt(viewer.userId, [event]);
    if (membership?.forgotten === true || !seen.has(event.eventNid)) throw unseen();
    return event;
  }
}

const unseen = () => notFound('There is no such event, or you may not see it');
