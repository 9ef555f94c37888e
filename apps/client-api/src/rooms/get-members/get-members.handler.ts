import { type Membership, StateReader, type StoredEvent } from '@atoll/database';
import type { JsonObject, JsonValue, RoomId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { ClientEvents, type Viewer } from '../../events/client-events.js';
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
    private readonly members: StateReader,
    private readonly states: RoomStateEvents,
    private readonly clientEvents: ClientEvents,
  ) {}

  async handle(viewer: Viewer, roomId: RoomId, query: GetMembers): Promise<JsonObject> {
    const readable = await this.access.readable(viewer.userId, roomId);
    const events = await this.read(readable, wantedMemberships(query), query.at);
    return { chunk: this.clientEvents.serveState(viewer, events) };
  }

  private async read(
    { room, until }: ReadableRoom,
    wanted: readonly Membership[],
    at?: string,
  ): Promise<StoredEvent[]> {
    if (at === undefined && until === undefined) {
      return this.states.load(await this.members.membersOf(room.roomNid, wanted));
    }
    const point = Math.min(at === undefined ? Infinity : pointOf(at), until ?? Infinity);
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
