import {
  EventReader,
  type Membership,
  pointAt,
  StateReader,
  type StoredEvent,
  streamPositionAt,
} from '@atoll/database';
import { forbidden, type JsonObject, type JsonValue, type RoomId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { ClientEvents, type Viewer } from '../../events/client-events.js';
import { VisibleEvents } from '../../events/visible-events.js';
import { pointOf } from '../access/pagination-token.js';
import { type ReadableRoom, RoomAccess } from '../access/room-access.js';
import { RoomStateEvents } from '../access/room-state.js';
import type { GetMembers } from './get-members.controller.js';

const MEMBERSHIPS: readonly Membership[] = ['join', 'invite', 'knock', 'leave', 'ban'];

/** The member events of a room, now or at a point of its timeline. */
@Injectable()
export class GetMembersHandler {
  constructor(
    private readonly access: RoomAccess,
    private readonly events: EventReader,
    private readonly visible: VisibleEvents,
    private readonly members: StateReader,
    private readonly states: RoomStateEvents,
    private readonly clientEvents: ClientEvents,
  ) {}

  /** @throws MatrixError 403 for the room, or for a point of it that the user may not see */
  async handle(viewer: Viewer, roomId: RoomId, query: GetMembers): Promise<JsonObject> {
    const readable = await this.access.readable(viewer.userId, roomId);
    const at = query.at === undefined ? undefined : streamPositionAt(pointOf(query.at));
    if (at !== undefined) await this.requireVisible(viewer, readable, at);
    const events = await this.read(readable, wantedMemberships(query), at);
    return { chunk: this.clientEvents.serveState(viewer, events) };
  }

  /** Who was in the room at a point may know who sees what happened there. */
  private async requireVisible(viewer: Viewer, { room, until }: ReadableRoom, at: number): Promise<void> {
    const from = pointAt(Math.min(at, until ?? Infinity));
    const [last] = await this.events.timeline(room.roomNid, { dir: 'b', from, limit: 1 });
    const seen = await this.visible.membershipsAt(viewer.userId, last ? [last] : []);
    if (last && !seen.has(last.eventNid)) throw forbidden('You may not see the room at this point');
  }

  private async read(
    { room, until }: ReadableRoom,
    wanted: readonly Membership[],
    at: number | undefined,
  ): Promise<StoredEvent[]> {
    if (at === undefined && until === undefined) {
      return this.states.load(await this.members.membersOf(room.roomNid, wanted));
    }
    const point = Math.min(at ?? Infinity, until ?? Infinity);
    const events = await this.states.at(room.roomNid, point, { types: ['m.room.member'] });
    return events.filter(({ pdu }) =>
      wanted.some((membership: JsonValue) => membership === pdu.content['membership']),
    );
  }
}

/** Given both, `membership` and `not_membership` are joined by "or". */
function wantedMemberships({ membership, not_membership }: GetMembers): readonly Membership[] {
  if (membership === undefined && not_membership === undefined) return MEMBERSHIPS;
  return MEMBERSHIPS.filter(
    (candidate) => candidate === membership || (not_membership !== undefined && candidate !== not_membership),
  );
}
