import fc from 'fast-check';
import type { EventId, JsonObject, Pdu, RoomEvent, RoomId, UserId } from '@atoll/matrix';
import { authorizeEvent } from '../auth/authorize-event.js';
import { authTypesForEvent } from '../auth/auth-types-for-event.js';
import type { StateLookup } from '../auth/state-lookup.js';
import type { RoomVersionRules } from '../room-version-rules.js';
import { stateKey, type StateKey, type StateMap } from '../state-map.js';
import { resolveState } from './resolve-state.js';

const CREATOR = '@creator:a';
const USERS = [CREATOR, '@admin:b', '@mod:c', '@user:b', '@other:c'];
const JOIN_RULES = ['public', 'invite', 'knock', 'restricted', 'knock_restricted'];
const MEMBERSHIPS = ['join', 'leave', 'invite', 'ban', 'knock'];

/** One thing that somebody tries to do. */
interface Action {
  readonly what: 'member' | 'moderate' | 'power' | 'joinRule' | 'topic';
  readonly actor: number;
  readonly target: number;
  readonly value: number;
  /** How far back the events lie that it follows: more than one merges branches, a large one forks. */
  readonly after: readonly number[];
  /** Clocks of servers differ, and equal times leave the decision to the event ids. */
  readonly delay: number;
}

const small = fc.nat({ max: 9 });
const action: fc.Arbitrary<Action> = fc.record({
  what: fc.constantFrom('member', 'member', 'moderate', 'power', 'power', 'joinRule', 'topic'),
  actor: fc.oneof({ weight: 2, arbitrary: fc.constantFrom(0, 1) }, small),
  target: small,
  value: fc.nat({ max: 100 }),
  after: fc.array(fc.oneof({ weight: 4, arbitrary: fc.constant(0) }, small), { minLength: 1, maxLength: 3 }),
  delay: fc.integer({ min: -6, max: 6 }),
});

/** What a room went through, and the states that a server might have to resolve. */
export interface Scenario {
  readonly actions: readonly Action[];
  /** Which states to resolve: after which event from the end. */
  readonly picks: readonly number[];
  /** State that a peer got wrong: in which of them, which key, taken from how far back. */
  readonly mistakes: readonly (readonly [state: number, key: number, back: number])[];
}

export const scenario: fc.Arbitrary<Scenario> = fc.record({
  actions: fc.array(action, { minLength: 10, maxLength: 60, size: 'max' }),
  picks: fc.array(fc.nat({ max: 30 }), { minLength: 2, maxLength: 4 }),
  mistakes: fc.array(fc.tuple(small, fc.nat({ max: 12 }), fc.nat({ max: 40 })), { maxLength: 4 }),
});

/** Plays a scenario: every event is made as an honest server makes it; what the rules reject is left out. */
export class RoomHistory {
  readonly events = new Map<EventId, RoomEvent>();
  readonly #rules: RoomVersionRules;
  readonly #roomId: RoomId;
  readonly #after = new Map<EventId, StateMap>();
  readonly #order: EventId[] = [];

  constructor(rules: RoomVersionRules) {
    this.#rules = rules;
    this.#roomId = (rules.roomIdIsCreateEventId ? '!create' : '!room:a') as RoomId;
    this.#append('m.room.create', '', CREATOR, rules.creatorInContent ? { creator: CREATOR } : {}, [0], 0);
    this.#append('m.room.member', CREATOR, CREATOR, { membership: 'join' }, [0], 0);
    const users = { '@admin:b': 100, '@mod:c': 50, ...(rules.privilegedCreators ? {} : { [CREATOR]: 100 }) };
    this.#append('m.room.power_levels', '', CREATOR, { users }, [0], 0);
    this.#append('m.room.join_rules', '', CREATOR, { join_rule: 'public' }, [0], 0);
    this.#append('m.room.member', '@admin:b', '@admin:b', { membership: 'join' }, [0], 0);
    this.#append('m.room.member', '@mod:c', '@mod:c', { membership: 'join' }, [0], 0);
  }

  play({ actions, picks, mistakes }: Scenario): StateMap[] {
    for (const one of actions) this.#act(one);
    const states = picks.map((back) => new Map(this.#stateBack(back)));
    for (const [state, key, back] of mistakes) this.#mistake(states[state % states.length], key, back);
    return states;
  }

  lookupIn(state: StateMap): StateLookup {
    return (type, key) => this.events.get(state.get(stateKey(type, key)) as EventId);
  }

  #act({ what, actor, target, value, after, delay }: Action): void {
    const sender = USERS[actor % USERS.length] as string;
    const other = USERS[target % USERS.length] as string;
    const append = (type: string, key: string, content: JsonObject) => {
      this.#append(type, key, sender, content, after, delay);
    };
    if (what === 'member') {
      const membership = value < 60 ? 'join' : (MEMBERSHIPS[value % MEMBERSHIPS.length] as string);
      append('m.room.member', sender, { membership, join_authorised_via_users_server: other, n: value });
    } else if (what === 'moderate') {
      append('m.room.member', other, { membership: ['invite', 'ban', 'leave'][value % 3] });
    } else if (what === 'power') {
      const current =
        this.lookupIn(this.#stateBack(after[0] ?? 0))('m.room.power_levels', '')?.pdu.content ?? {};
      append('m.room.power_levels', '', {
        ...current,
        users: { ...(current.users as JsonObject), [other]: value },
      });
    } else if (what === 'joinRule') {
      append('m.room.join_rules', '', { join_rule: JOIN_RULES[value % JOIN_RULES.length] });
    } else {
      append('m.room.topic', '', { topic: `${value}` });
    }
  }

  #stateBack(back: number): StateMap {
    return this.#after.get(this.#idBack(back)) as StateMap;
  }

  #idBack(back: number): EventId {
    return this.#order[Math.max(0, this.#order.length - 1 - back)] as EventId;
  }

  /** Puts an older event, or none, in the place of one key. */
  #mistake(state: Map<StateKey, EventId> | undefined, key: number, back: number): void {
    const keys = [...(state?.keys() ?? [])].filter((one) => one !== stateKey('m.room.create', ''));
    const chosen = keys[key % keys.length];
    if (state === undefined || chosen === undefined) return;
    const older = this.#stateBack(back).get(chosen);
    if (older === undefined) state.delete(chosen);
    else state.set(chosen, older);
  }

  #append(
    type: string,
    key: string,
    sender: string,
    content: JsonObject,
    after: readonly number[],
    delay: number,
  ) {
    const count = this.#order.length;
    const previous = count === 0 ? [] : [...new Set(after.map((back) => this.#idBack(back)))];
    const before = resolveState(
      previous.map((id) => this.#after.get(id) as StateMap),
      this.events,
      this.#rules,
    );
    const pdu: Pdu = {
      type,
      sender: sender as UserId,
      state_key: key,
      content,
      origin_server_ts: 1000 + count + delay,
      depth: count,
      prev_events: previous,
      auth_events: [],
      hashes: { sha256: '' },
      signatures: {},
    };
    if (type !== 'm.room.create' || !this.#rules.roomIdIsCreateEventId) pdu.room_id = this.#roomId;
    const state = this.lookupIn(before);
    pdu.auth_events = authTypesForEvent(pdu, this.#rules).flatMap(([t, k]) => state(t, k)?.eventId ?? []);
    const eventId = (count === 0 ? '$create' : `$${(count * 7919) % 1009}`) as EventId;
    const event: RoomEvent = { eventId, roomId: this.#roomId, pdu, rejected: false };
    if (authorizeEvent(event, state, this.#rules) !== undefined) return;
    this.events.set(eventId, event);
    this.#order.push(eventId);
    this.#after.set(eventId, new Map([...before, [stateKey(type, key), eventId]]));
  }
}
