import { isJsonObject, type JsonObject, type RoomEvent } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { isCreator } from './creators.js';
import { levelIn } from './level-in.js';
import type { StateLookup } from './state-lookup.js';

/** What `m.room.power_levels` may set for a whole room, with the value that counts when it does not. */
export const LEVEL_DEFAULTS = {
  users_default: 0,
  events_default: 0,
  state_default: 50,
  ban: 50,
  redact: 50,
  kick: 50,
  invite: 0,
} as const;

export type LevelName = keyof typeof LEVEL_DEFAULTS;

const NONE: JsonObject = {};
const CREATOR_WITHOUT_EVENT = 100;

/**
 * Reads power levels without copying them, so that making a reader is cheap.
 * @see https://spec.matrix.org/v1.19/client-server-api/#mroompower_levels
 */
export class PowerLevels {
  readonly #create: RoomEvent | undefined;
  readonly #event: RoomEvent | undefined;
  readonly #content: JsonObject;
  readonly #rules: RoomVersionRules;

  constructor(create: RoomEvent | undefined, powerLevels: RoomEvent | undefined, rules: RoomVersionRules) {
    this.#create = create;
    this.#event = powerLevels;
    this.#content = powerLevels?.pdu.content ?? NONE;
    this.#rules = rules;
  }

  /** The level of a user; `Infinity` for the creators of a room whose version privileges them. */
  userLevel(user: string): number {
    if (this.#create !== undefined && (this.#rules.privilegedCreators || this.#event === undefined)) {
      if (isCreator(user, this.#create, this.#rules)) {
        return this.#rules.privilegedCreators ? Infinity : CREATOR_WITHOUT_EVENT;
      }
    }
    return this.#entry('users', user) ?? this.level('users_default');
  }

  /** One of the room-wide levels, or its default. */
  level(name: LevelName): number {
    return levelIn(this.#content[name], this.#rules) ?? LEVEL_DEFAULTS[name];
  }

  /** The level that sending an event of this type needs. Membership has rules of its own. */
  requiredLevel(type: string, isState: boolean): number {
    return this.#entry('events', type) ?? this.level(isState ? 'state_default' : 'events_default');
  }

  /** The level that a kind of notification needs, such as `room` for `@room`. */
  notificationLevel(kind: string): number {
    return this.#entry('notifications', kind) ?? 50;
  }

  #entry(map: 'users' | 'events' | 'notifications', key: string): number | undefined {
    const entries = this.#content[map];
    if (!isJsonObject(entries) || !Object.hasOwn(entries, key)) return undefined;
    return levelIn(entries[key], this.#rules);
  }
}

/** The power levels of a room in a state. */
export function powerLevelsIn(state: StateLookup, rules: RoomVersionRules): PowerLevels {
  return new PowerLevels(state('m.room.create', ''), state('m.room.power_levels', ''), rules);
}

/** The power level of one user in a state. */
export function powerLevelOf(user: string, state: StateLookup, rules: RoomVersionRules): number {
  return powerLevelsIn(state, rules).userLevel(user);
}
