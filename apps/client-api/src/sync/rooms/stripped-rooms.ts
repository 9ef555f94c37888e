import { EventReader, type StoredEvent, SyncStateReader } from '@atoll/database';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { toStrippedState } from '../../events/client-event.js';
import type { StrippedPlan } from './room-plan.js';

const TOLD = [
  'm.room.create',
  'm.room.join_rules',
  'm.room.canonical_alias',
  'm.room.avatar',
  'm.room.encryption',
  'm.room.name',
  'm.room.topic',
];

/** An invite or knock with the state that the user is told. */
export interface StrippedRoom {
  readonly section: 'invite' | 'knock';
  readonly roomId: RoomId;
  readonly events: readonly JsonObject[];
}

/** What is told of rooms that a user is invited to or knocks on, with four queries. */
@Injectable()
export class StrippedRooms {
  constructor(
    private readonly states: SyncStateReader,
    private readonly events: EventReader,
  ) {}

  /**
   * Without the invites of ignored users. The state is that at the invite or knock, with the member events of the user and of who
   * sent it.
   * @see https://spec.matrix.org/v1.19/client-server-api/#stripped-state
   */
  async load(
    userId: UserId,
    plans: readonly StrippedPlan[],
    ignored: ReadonlySet<string>,
  ): Promise<StrippedRoom[]> {
    if (plans.length === 0) return [];
    const own = await this.events.byNids(plans.map(({ membership }) => membership.eventNid));
    const told = plans.filter(({ section, membership }) => {
      const sender = own.get(membership.eventNid)?.pdu.sender;
      return sender !== undefined && !(section === 'invite' && ignored.has(sender));
    });
    const state = await this.stateOf(userId, told, own);
    return told.map(({ section, membership: { roomId, roomNid, eventNid } }) => {
      const events = (state.get(roomNid) ?? []).filter((event) => event.eventNid !== eventNid);
      const ownEvent = own.get(eventNid);
      return { section, roomId, events: [...events, ...(ownEvent ? [ownEvent] : [])].map(toStrippedState) };
    });
  }

  private async stateOf(
    userId: UserId,
    plans: readonly StrippedPlan[],
    own: ReadonlyMap<number, StoredEvent>,
  ): Promise<Map<number, StoredEvent[]>> {
    const rooms = plans.map(({ membership: { roomNid, position } }) => ({ roomNid, position }));
    const senders = plans.flatMap(({ membership: { roomNid, position, eventNid } }) => {
      const sender = own.get(eventNid)?.pdu.sender;
      if (sender === undefined || sender === userId) return [];
      return [{ roomNid, start: position, end: position, userId: sender }];
    });
    const spans = (
      await Promise.all([this.states.singles(rooms, TOLD), this.states.members(senders)])
    ).flat();
    const events = await this.events.byNids(spans.flatMap(({ eventNid }) => eventNid ?? []));
    return Map.groupBy(events.values(), ({ roomNid }) => roomNid);
  }
}
