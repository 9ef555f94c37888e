import type { Pdu } from '@atoll/matrix';
import type { MemberContext } from './member-rules.js';
import { membershipOf } from './membership.js';
import type { Rejection } from './rejection.js';
import { checkThirdPartyInvite } from './third-party-invite.js';

/** `membership: invite`. */
export function checkInvite(pdu: Pdu, target: string, context: MemberContext): Rejection | undefined {
  if (pdu.content.third_party_invite !== undefined) return checkThirdPartyInvite(pdu, target, context);
  const { state, powerLevels, rules } = context;
  const reject = rules.authRules;
  if (membershipOf(pdu.sender, state) !== 'join') return reject.inviteSenderNotJoined;

  const membership = membershipOf(target, state);
  if (membership === 'join' || membership === 'ban') return reject.inviteTargetPresent;
  return powerLevels.userLevel(pdu.sender) >= powerLevels.level('invite') ? undefined : reject.inviteLevel;
}
