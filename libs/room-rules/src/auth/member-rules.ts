import type { RoomEvent } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { checkInvite } from './invite-rules.js';
import { checkJoin } from './join-rules.js';
import { checkKnock } from './knock-rules.js';
import { checkBan, checkLeave } from './leave-rules.js';
import type { PowerLevels } from './power-levels.js';
import type { Rejection } from './rejection.js';
import type { StateLookup } from './state-lookup.js';

/** What the rules about memberships look at beside the event. */
export interface MemberContext {
  readonly create: RoomEvent;
  readonly state: StateLookup;
  readonly powerLevels: PowerLevels;
  readonly rules: RoomVersionRules;
}

/** The rule about `m.room.member` events; one file has each kind of membership. */
export function checkMember({ pdu }: RoomEvent, context: MemberContext): Rejection | undefined {
  const reject = context.rules.authRules;
  const { state_key: target } = pdu;
  const { membership } = pdu.content;
  if (target === undefined || membership === undefined) return reject.memberMalformed;

  switch (membership) {
    case 'join':
      return checkJoin(pdu, target, context);
    case 'invite':
      return checkInvite(pdu, target, context);
    case 'leave':
      return checkLeave(pdu, target, context);
    case 'ban':
      return checkBan(pdu, target, context);
    case 'knock':
      return checkKnock(pdu, target, context);
    default:
      return reject.membershipUnknown;
  }
}
