import type { StateLookup } from './state-lookup.js';

/** The membership of a user, or `undefined` for one who was never in the room. */
export function membershipOf(user: string, state: StateLookup): string | undefined {
  const membership = state('m.room.member', user)?.pdu.content.membership;
  return typeof membership === 'string' ? membership : undefined;
}

/** The join rule of a room; without an event it is `invite`. */
export function joinRuleOf(state: StateLookup): string | undefined {
  const event = state('m.room.join_rules', '');
  if (event === undefined) return 'invite';
  const rule = event.pdu.content.join_rule;
  return typeof rule === 'string' ? rule : undefined;
}
