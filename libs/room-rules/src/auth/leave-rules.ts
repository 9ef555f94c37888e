import type { Pdu } from '@atoll/matrix';
import type { MemberContext } from './member-rules.js';
import { membershipOf } from './membership.js';
import type { Rejection } from './rejection.js';

/** `membership: leave`: leaving, declining an invite, withdrawing a knock; of others: kick and unban. */
export function checkLeave(pdu: Pdu, target: string, context: MemberContext): Rejection | undefined {
  const { state, powerLevels, rules } = context;
  const reject = rules.authRules;
  const membership = membershipOf(target, state);
  if (pdu.sender === target) {
    const isPresent =
      membership === 'join' ||
      membership === 'invite' ||
      (membership === 'knock' && reject.knockNotAllowed !== undefined);
    return isPresent ? undefined : reject.leaveNotPresent;
  }
  if (membershipOf(pdu.sender, state) !== 'join') return reject.leaveSenderNotJoined;

  const senderLevel = powerLevels.userLevel(pdu.sender);
  if (membership === 'ban' && senderLevel < powerLevels.level('ban')) return reject.unbanLevel;
  const mayKick = senderLevel >= powerLevels.level('kick') && powerLevels.userLevel(target) < senderLevel;
  return mayKick ? undefined : reject.kickLevel;
}

/** `membership: ban`. */
export function checkBan(pdu: Pdu, target: string, context: MemberContext): Rejection | undefined {
  const { state, powerLevels, rules } = context;
  const reject = rules.authRules;
  if (membershipOf(pdu.sender, state) !== 'join') return reject.banSenderNotJoined;

  const senderLevel = powerLevels.userLevel(pdu.sender);
  const mayBan = senderLevel >= powerLevels.level('ban') && powerLevels.userLevel(target) < senderLevel;
  return mayBan ? undefined : reject.banLevel;
}
