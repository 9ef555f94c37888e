import type { JsonObject } from '@atoll/matrix';
import type { RuleOf } from './rule-number.spec-support.js';
import { CREATOR, type EventSketch, type StateChanges } from './test-room.spec-support.js';

/** An event that a rule allows or rejects in the versions that number it. */
export interface AuthCase {
  readonly rule: RuleOf;
  readonly what: string;
  readonly event: EventSketch;
  readonly state?: StateChanges;
}

export const USER = '@user:two';
export const MOD = '@mod:two';
export const ADMIN = '@admin:one';

/** The cases that a version has, each with its rule's number there. */
export const casesOf = <Case extends { readonly rule: RuleOf }>(cases: readonly Case[], version: string) =>
  cases.map((one) => ({ ...one, number: one.rule(Number(version)) })).filter(({ number }) => number !== '-');

/** The content of the room's power levels with changes; `undefined` takes a property out. */
export const levels = (changes: JsonObject, sender = MOD): EventSketch => ({
  type: 'm.room.power_levels',
  sender,
  state_key: '',
  content: {
    users: { [ADMIN]: 90, [MOD]: 50 },
    events: { 'm.room.name': 40, 'm.room.power_levels': 50, 'org.high': 95, 'org.low': 20 },
    notifications: { room: 50, all: 95 },
    invite: 20,
    redact: 60,
    ban: 50,
    state_default: 50,
    events_default: 0,
    ...changes,
  },
});
/** The same over a state in which users and the room's own levels agree, whatever the version does with creators. */
export const over = (content: JsonObject): StateChanges => [
  ['m.room.power_levels', '', { ...levels(content), sender: CREATOR }],
];
export const current = over({});
/** A room that never had power levels. */
export const noLevels: StateChanges = [['m.room.power_levels', '', undefined]];
