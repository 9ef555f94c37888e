import type { JsonObject } from '@atoll/matrix';
import { CREATOR, type EventSketch, type StateChanges } from './test-room.spec-support.js';

/** The rule's number in room versions 10 and 11, and in 12; `-` where the version has no such rule. */
export type RuleNumbers = readonly [in10: string, in11: string, in12: string];

export interface AuthCase {
  readonly rule: RuleNumbers;
  readonly what: string;
  readonly event: EventSketch;
  readonly state?: StateChanges;
}

export const USER = '@user:two';
export const MOD = '@mod:two';
export const ADMIN = '@admin:one';

/** The same number in 10 and 11. */
export const both = (older: string, newer: string): RuleNumbers => [older, older, newer];

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
