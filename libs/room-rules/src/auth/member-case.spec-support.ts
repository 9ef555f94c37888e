import type { JsonObject } from '@atoll/matrix';
import type { EventSketch, StateChanges } from './test-room.spec-support.js';

/** A member event with more in its content. */
export const member = (
  sender: string,
  target: string,
  membership: string,
  more: JsonObject = {},
): EventSketch => ({
  type: 'm.room.member',
  sender,
  state_key: target,
  content: { membership, ...more },
});
export const join = (user: string, more: JsonObject = {}) => member(user, user, 'join', more);
export const joinRule = (rule: string): StateChanges => [
  ['m.room.join_rules', '', { content: { join_rule: rule } }],
];
