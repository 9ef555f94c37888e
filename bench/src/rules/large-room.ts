import type { EventId, JsonObject, Pdu, RoomEvent, RoomId, UserId } from '@atoll/matrix';
import { authTypesForEvent, type RoomVersionRules, stateKey, type StateKey } from '@atoll/room-rules';

const CREATOR = '@creator:example.org';
const ROOM_ID = `!${'c'.repeat(43)}` as RoomId;

/** A public room of many members, in memory, with unsigned events that cite what real ones would. */
export class LargeRoom {
  readonly events = new Map<EventId, RoomEvent>();
  readonly state = new Map<StateKey, EventId>();

  constructor(
    private readonly rules: RoomVersionRules,
    members: number,
  ) {
    this.put('m.room.create', '', CREATOR, { creator: CREATOR, room_version: rules.version });
    this.put('m.room.member', CREATOR, CREATOR, { membership: 'join' });
    this.put('m.room.power_levels', '', CREATOR, { users: {}, events_default: 0, state_default: 50 });
    this.put('m.room.join_rules', '', CREATOR, { join_rule: 'public' });
    for (let index = 0; index < members; index += 1) this.join(index, this.state);
  }

  userOf(index: number): UserId {
    return `@user${index}:example.org` as UserId;
  }

  /** A member joins, or joins again with another name, in one state of the room. */
  join(index: number, state: Map<StateKey, EventId>, displayname = ''): void {
    const user = this.userOf(index);
    const content = { membership: 'join', displayname };
    const event = this.event('m.room.member', user, content, user, state);
    this.events.set(event.eventId, event);
    state.set(stateKey('m.room.member', user), event.eventId);
  }

  /** The creator gives one member a power level, in one state of the room. */
  promote(index: number, level: number, state: Map<StateKey, EventId>): void {
    const before = this.events.get(state.get(stateKey('m.room.power_levels', '')) as EventId);
    const users = { ...(before?.pdu.content['users'] as JsonObject), [this.userOf(index)]: level };
    const content = { ...before?.pdu.content, users };
    const event = this.event('m.room.power_levels', CREATOR, content, '', state);
    this.events.set(event.eventId, event);
    state.set(stateKey('m.room.power_levels', ''), event.eventId);
  }

  lookup = (type: string, key: string): RoomEvent | undefined =>
    this.events.get(this.state.get(stateKey(type, key)) as EventId);

  event(
    type: string,
    sender: string,
    content: JsonObject,
    key?: string,
    state: ReadonlyMap<StateKey, EventId> = this.state,
  ): RoomEvent {
    const isCreate = type === 'm.room.create';
    const pdu: Pdu = {
      type,
      ...(!(isCreate && this.rules.roomIdIsCreateEventId) && { room_id: ROOM_ID }),
      sender: sender as UserId,
      ...(key !== undefined && { state_key: key }),
      content,
      origin_server_ts: 1_789_000_000_000 + this.events.size,
      depth: this.events.size,
      prev_events: isCreate ? [] : [`$${'p'.repeat(43)}` as EventId],
      auth_events: [],
      hashes: { sha256: 'h'.repeat(43) },
      signatures: {},
    };
    pdu.auth_events = authTypesForEvent(pdu, this.rules).flatMap(
      ([one, of]) => state.get(stateKey(one, of)) ?? [],
    );
    const number = String(this.events.size).padStart(43, '0');
    const eventId = (isCreate ? `$${ROOM_ID.slice(1)}` : `$${number}`) as EventId;
    return { eventId, roomId: ROOM_ID, pdu, rejected: false };
  }

  private put(type: string, key: string, sender: string, content: JsonObject): void {
    const event = this.event(type, sender, content, key);
    this.events.set(event.eventId, event);
    this.state.set(stateKey(type, key), event.eventId);
  }
}
