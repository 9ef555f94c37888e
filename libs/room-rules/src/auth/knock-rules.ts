import type { Pdu } from '@atoll/matrix';
import type { MemberContext } from './member-rules.js';
import { joinRuleOf, membershipOf } from './membership.js';
import type { Rejection } from './rejection.js';

/** `membership: knock`, which room versions without knocking do not know. */
export function checkKnock(pdu: Pdu, target: string, { state, rules }: MemberContext): Rejection | undefined {
  const reject = rules.authRules;
  if (!reject.knockNotAllowed) return reject.membershipUnknown;

  const joinRule = joinRuleOf(state);
  const allowsKnocking =
    joinRule === 'knock' || (joinRule === 'knock_restricted' && rules.knockRestrictedJoinRule);
  if (!allowsKnocking) return reject.knockNotAllowed;
  if (pdu.sender !== target) return reject.knockForOther;
  const membership = membershipOf(pdu.sender, state);
  const isPresent = membership === 'ban' || membership === 'invite' || membership === 'join';
  return isPresent ? reject.knockPresent : undefined;
}
