import { EventReader, type StoredEvent, StrippedStateReader, SyncStateReader } from '@atoll/database';
import { type JsonObject, type RoomId, STRIPPED_STATE_TYPES, type UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { toStrippedState } from '../../events/client-event.js';
import { pruneStrippedState } from './prune-stripped-state.js';
import type { StrippedPlan } from './room-plan.js';
import { UnwantedInviters } from './unwanted-inviters.js';

/** An invite or knock with the state that the user is told. */
export interface StrippedRoom {
  readonly section: 'invite' | 'knock';
  readonly roomId: RoomId;
  readonly events: readonly JsonObject[];
}

/** What is told of rooms that a user is invited to or knocks on, with six queries. */
@Injectable()
export class StrippedRooms {
  constructor(
    private readonly states: SyncStateReader,
    private readonly events: EventReader,
    private readonly stripped: StrippedStateReader,
    private readonly inviters: UnwantedInviters,
  ) {}

  /**
   * Without the invites of ignored users, and those that the user blocks or ignores. The state is that at the invite or knock, with the member events of the user and of who
   * sent it; of a room that this server was not in, what the other server said with the invite or knock, whatever is known from
   * earlier times.
   * @see https://spec.matrix.org/v1.19/client-server-api/#stripped-state
   */
  async load(
    userId: UserId,
    plans: readonly StrippedPlan[],
    ignored: ReadonlySet<string>,
  ): Promise<StrippedRoom[]> {
    if (plans.length === 0) return [];
    const own = await this.events.byNids(plans.map(({ membership }) => membership.eventNid));
    const inviters = plans.flatMap(({ section, membership }) => {
      const sender = own.get(membership.eventNid)?.pdu.sender;
      return section === 'invite' && sender !== undefined && !ignored.has(sender) ? [sender] : [];
    });
    const unwanted = await this.inviters.among(userId, new Set(inviters));
    const told = plans.filter(({ section, membership }) => {
      const sender = own.get(membership.eventNid)?.pdu.sender;
      return sender !== undefined && !(section === 'invite' && (ignored.has(sender) || unwanted.has(sender)));
    });
    const said = await this.stripped.byNids(told.map(({ membership }) => membership.eventNid));
    const here = told.filter(({ membership }) => !said.has(membership.eventNid));
    const state = await this.stateOf(userId, here, own);
    return told.map(({ section, membership: { roomId, roomNid, eventNid } }) => {
      const elsewhere = said.get(eventNid);
      const events = (state.get(roomNid) ?? []).filter((event) => event.eventNid !== eventNid);
      const around = elsewhere ? pruneStrippedState(elsewhere, userId) : events.map(toStrippedState);
      const ownEvent = own.get(eventNid);
      return { section, roomId, events: [...around, ...(ownEvent ? [toStrippedState(ownEvent)] : [])] };
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
      await Promise.all([this.states.singles(rooms, STRIPPED_STATE_TYPES), this.states.members(senders)])
    ).flat();
    const events = await this.events.byNids(spans.flatMap(({ eventNid }) => eventNid ?? []));
    return Map.groupBy(events.values(), ({ roomNid }) => roomNid);
  }
}
