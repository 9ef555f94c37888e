import type { EventId, JsonObject, RoomEvent } from '@atoll/matrix';
import type { StateLookup } from '../auth/state-lookup.js';
import type { RoomVersionRules } from '../room-version-rules.js';
import { stateKey, type StateKey, type StateMap } from '../state-map.js';
import { HistoryRoom } from './history-room.spec-support.js';
import type { Action, Scenario } from './scenario.spec-support.js';

export const CREATOR = '@creator:a';
export const ADMIN = '@admin:b';
const MOD = '@mod:c';
const USERS = [CREATOR, ADMIN, MOD, '@user:b', '@other:c', '@guest:d', '@late:e'];
const JOIN_RULES = ['public', 'invite', 'knock', 'restricted', 'knock_restricted', 'private'];
const MEMBERSHIPS = ['join', 'leave', 'invite', 'ban', 'knock'];
const LEVELS = ['users_default', 'events_default', 'state_default', 'ban', 'kick', 'redact', 'invite'];

/** Plays a scenario: what an honest server would accept, many servers' forks, and what others get wrong. */
export class RoomHistory {
  readonly room: HistoryRoom;

  /** @param bystander joins, has level 0 and does nothing */
  constructor(
    private readonly rules: RoomVersionRules,
    bystander?: string,
  ) {
    this.room = new HistoryRoom(rules);
    const { room } = this;
    const create = {
      ...(rules.creatorInContent && { creator: CREATOR }),
      ...(rules.privilegedCreators && { additional_creators: ['@second:d'] }),
    };
    room.add({ type: 'm.room.create', key: '', sender: CREATOR, content: create });
    room.add({ type: 'm.room.member', key: CREATOR, sender: CREATOR, content: { membership: 'join' } });
    const users = {
      ...{ [ADMIN]: 100, [MOD]: 50 },
      ...(!rules.privilegedCreators && { [CREATOR]: 100 }),
      ...(bystander !== undefined && { [bystander]: 0 }),
    };
    room.add({ type: 'm.room.power_levels', key: '', sender: CREATOR, content: { users } });
    room.add({ type: 'm.room.join_rules', key: '', sender: CREATOR, content: { join_rule: 'public' } });
    for (const user of [ADMIN, MOD, ...(bystander === undefined ? [] : [bystander])]) {
      room.add({ type: 'm.room.member', key: user, sender: user, content: { membership: 'join' } });
    }
  }

  get events(): ReadonlyMap<EventId, RoomEvent> {
    return this.room.events;
  }

  /** The states to resolve. */
  play({ actions, picks, mistakes }: Scenario): StateMap[] {
    for (const action of actions) this.#act(action);
    const states = picks.map((back) => new Map(this.room.stateBack(back)));
    for (const [state, key, back] of mistakes) this.#mistake(states[state % states.length], key, back);
    return states;
  }

  lookupIn(state: StateMap): StateLookup {
    return (type, key) => this.events.get(state.get(stateKey(type, key)) as EventId);
  }

  #act(action: Action): void {
    const { what, actor, target, value } = action;
    const sender = USERS[actor % USERS.length] as string;
    const other = USERS[target % USERS.length] as string;
    const add = (type: string, key: string, content: JsonObject) => {
      const { after, delay, authFromBack, citesRejected } = action;
      this.room.add({ type, key, sender, content, after, delay, authFromBack, citesRejected });
    };
    switch (what) {
      case 'member': {
        const membership = value < 60 ? 'join' : (MEMBERSHIPS[value % MEMBERSHIPS.length] as string);
        add('m.room.member', sender, { membership, join_authorised_via_users_server: other, n: value });
        break;
      }
      case 'moderate':
        add('m.room.member', other, { membership: ['invite', 'ban', 'leave'][value % 3] });
        break;
      case 'power':
        add('m.room.power_levels', '', this.#changedLevels(action, other));
        break;
      case 'joinRule':
        add('m.room.join_rules', '', { join_rule: JOIN_RULES[value % JOIN_RULES.length] });
        break;
      case 'aliases':
        add('m.room.aliases', sender.slice(sender.indexOf(':') + 1), { aliases: [], n: value });
        break;
      case 'topic':
        add('m.room.topic', '', { topic: `${value}` });
    }
  }

  /** A user or one of the room's own levels; old room versions also take them as text or as floats. */
  #changedLevels({ after, value, target }: Action, user: string): JsonObject {
    const before = this.room.stateBack(after[0] ?? 0);
    const current = this.lookupIn(before)('m.room.power_levels', '')?.pdu.content ?? {};
    const isText = !this.rules.integerPowerLevels && value % 4 === 1;
    const isFloat = !this.rules.strictCanonicalJson && value % 4 === 3;
    const level = isText ? ` +${value} ` : isFloat ? value + 0.5 : value;
    const name = LEVELS[target % LEVELS.length] as string;
    if (value % 5 === 0) return { ...current, [name]: level };
    return { ...current, users: { ...(current.users as JsonObject), [user]: level } };
  }

  /** Puts an older event, a rejected one, or none, in the place of one key. */
  #mistake(state: Map<StateKey, EventId> | undefined, key: number, back: number): void {
    if (state === undefined) return;
    const rejected = this.room.rejected[back];
    if (key % 3 === 0 && rejected !== undefined) {
      state.set(stateKey(rejected.pdu.type, rejected.pdu.state_key ?? ''), rejected.eventId);
      return;
    }
    const keys = [...state.keys()].filter((one) => one !== stateKey('m.room.create', ''));
    const chosen = keys[key % keys.length];
    if (chosen === undefined) return;
    const older = this.room.stateBack(back).get(chosen);
    if (older === undefined) state.delete(chosen);
    else state.set(chosen, older);
  }
}
