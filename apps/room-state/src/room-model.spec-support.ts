import { type Database, EVENT_STATUS, type EventStatus } from '@atoll/database';
import {
  authEventIds,
  type EventId,
  type EventReference,
  type Pdu,
  prevEventIds,
  type RoomEvent,
  type RoomId,
} from '@atoll/matrix';
import {
  authorizeEvent,
  authTypesForEvent,
  checkAuthEvents,
  referenceTo,
  resolveState,
  type RoomVersionRules,
  splitStateKey,
  stateKey,
  type StateKey,
  type StateMap,
} from '@atoll/room-rules';

export interface ModelEvent extends RoomEvent {
  readonly status: EventStatus;
  readonly position: number | null;
}

/**
 * What a room must look like by its events alone: a replay of the whole graph for every question, without a timeline, overrides
 * or anything kept from one event to the next.
 */
export class RoomModel {
  private readonly befores = new Map<EventId, StateMap>();

  private constructor(
    readonly events: Map<EventId, ModelEvent>,
    private readonly rules: RoomVersionRules,
  ) {}

  static async read({ db }: Database, roomId: RoomId, rules: RoomVersionRules): Promise<RoomModel> {
    const rows = await db
      .selectFrom('events as e')
      .innerJoin('rooms as r', 'r.room_nid', 'e.room_nid')
      .leftJoin('event_positions as p', 'p.event_nid', 'e.event_nid')
      .select(['e.event_id', 'e.json', 'e.status', 'p.position'])
      .where('r.room_id', '=', roomId)
      .orderBy('e.event_nid')
      .execute();
    const events = rows.map(({ event_id: eventId, json, status, position }): [EventId, ModelEvent] => {
      const rejected = status === EVENT_STATUS.rejected;
      return [eventId, { eventId, roomId, pdu: JSON.parse(json) as Pdu, rejected, status, position }];
    });
    return new RoomModel(new Map(events), rules);
  }

  /** Takes an event that is stored nowhere. */
  add(event: RoomEvent): void {
    const last = Math.max(...[...this.events.values()].map(({ position }) => position ?? 0));
    this.events.set(event.eventId, { ...event, status: EVENT_STATUS.accepted, position: last + 1 });
  }

  /** Accepted events in the order of their positions. */
  timeline(): ModelEvent[] {
    return [...this.events.values()]
      .filter(({ position }) => position !== null)
      .sort((one, other) => (one.position ?? 0) - (other.position ?? 0));
  }

  /** Of some accepted events: those that no other of them names. */
  headsOf(accepted: readonly ModelEvent[]): EventId[] {
    const named = new Set(accepted.flatMap(({ pdu }) => prevEventIds(pdu)));
    return accepted.flatMap(({ eventId }) => (named.has(eventId) ? [] : eventId));
  }

  /** The state before an event with these predecessors. */
  stateAfterAll(ids: readonly EventId[]): StateMap {
    return resolveState(
      ids.map((id) => this.stateAfter(id)),
      { get: (id) => this.events.get(id) },
      this.rules,
    );
  }

  /** The first rule that an event breaks by its auth events or by the state before it. */
  problemOf(event: ModelEvent): string | undefined {
    const auth = authEventIds(event.pdu).map((id) => this.events.get(id));
    if (auth.some((cited) => cited === undefined)) return 'an auth event is not there';
    const cited = auth as ModelEvent[];
    const byAuth = new Map(
      cited.map((one) => [stateKey(one.pdu.type, one.pdu.state_key ?? ''), one.eventId]),
    );
    const create = [...this.events.values()].find(({ pdu }) => pdu.type === 'm.room.create');
    if (this.rules.createEventImpliedByRoomId && create)
      byAuth.set(stateKey('m.room.create', ''), create.eventId);
    return (
      checkAuthEvents(event, cited, this.rules) ??
      this.refusal(event, byAuth) ??
      this.refusal(event, this.stateBefore(event))
    )?.reason;
  }

  private refusal(event: RoomEvent, state: StateMap) {
    const lookup = (type: string, key: string) => {
      const id = state.get(stateKey(type, key));
      return id === undefined ? undefined : this.events.get(id);
    };
    return authorizeEvent(event, lookup, this.rules);
  }

  /** What an honest server would cite. */
  authEventsFor(pdu: Pdu, state: StateMap): EventId[] {
    return authTypesForEvent(pdu, this.rules).flatMap(([type, key]) => state.get(stateKey(type, key)) ?? []);
  }

  referencesTo(ids: readonly EventId[]): EventReference[] {
    return ids.map((id) => {
      const event = this.events.get(id);
      if (!event) throw new Error(`${id} was never stored`);
      return referenceTo(event, this.rules);
    });
  }

  membershipsIn(state: StateMap): Map<string, unknown> {
    const members = new Map<string, unknown>();
    for (const [key, id] of state) {
      const [type, user] = splitStateKey(key);
      if (type === 'm.room.member') members.set(user, this.events.get(id)?.pdu.content['membership']);
    }
    return members;
  }

  private stateBefore({ eventId, pdu }: RoomEvent): StateMap {
    const known = this.befores.get(eventId);
    if (known) return known;
    const before =
      pdu.prev_events.length === 0 ? new Map<StateKey, EventId>() : this.stateAfterAll(prevEventIds(pdu));
    this.befores.set(eventId, before);
    return before;
  }

  private stateAfter(id: EventId): StateMap {
    const event = this.events.get(id);
    if (!event) throw new Error(`${id} is named by an event but was never stored`);
    const before = this.stateBefore(event);
    const { rejected, pdu } = event;
    if (rejected || pdu.state_key === undefined) return before;
    return new Map([...before, [stateKey(pdu.type, pdu.state_key), id]]);
  }
}
