import { prevEventIds, type Pdu } from '@atoll/matrix';
import { creatorOf } from './creators.js';
import type { MemberContext } from './member-rules.js';
import { joinRuleOf, membershipOf } from './membership.js';
import type { Rejection } from './rejection.js';

/** `membership: join`. The signature that a restricted join needs is checked with the event's format. */
export function checkJoin(pdu: Pdu, target: string, context: MemberContext): Rejection | undefined {
  const { create, state, rules } = context;
  const reject = rules.authRules;
  const previous = prevEventIds(pdu);
  const followsCreate = previous.length === 1 && previous[0] === create.eventId;
  if (followsCreate && target === creatorOf(create, rules)) return undefined;
  if (pdu.sender !== target) return reject.joinForOther;

  const membership = membershipOf(target, state);
  if (membership === 'ban') return reject.joinBanned;
  const isInvitedOrJoined = membership === 'invite' || membership === 'join';
  switch (joinRuleOf(state)) {
    case 'public':
      return undefined;
    case 'invite':
      return isInvitedOrJoined ? undefined : reject.joinNotAllowed;
    case 'knock':
      return isInvitedOrJoined && reject.knockNotAllowed ? undefined : reject.joinNotAllowed;
    case 'restricted':
      return isInvitedOrJoined && reject.joinUnauthorised ? undefined : checkAuthoriser(pdu, context);
    case 'knock_restricted':
      if (!rules.knockRestrictedJoinRule) return reject.joinNotAllowed;
      return isInvitedOrJoined ? undefined : checkAuthoriser(pdu, context);
    default:
      return reject.joinNotAllowed;
  }
}

function checkAuthoriser(pdu: Pdu, { state, powerLevels, rules }: MemberContext): Rejection | undefined {
  const reject = rules.authRules;
  if (!reject.joinUnauthorised) return reject.joinNotAllowed;
  const { join_authorised_via_users_server: authoriser } = pdu.content;
  const mayInvite =
    typeof authoriser === 'string' &&
    membershipOf(authoriser, state) === 'join' &&
    powerLevels.userLevel(authoriser) >= powerLevels.level('invite');
  return mayInvite ? undefined : reject.joinUnauthorised;
}
