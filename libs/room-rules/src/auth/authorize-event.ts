import { serverNameOf, type RoomEvent } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { checkAliases } from './aliases-rules.js';
import { mayRedact } from './can-redact.js';
import { checkCreate } from './create-rules.js';
import { checkMember } from './member-rules.js';
import { membershipOf } from './membership.js';
import { checkPowerLevels } from './power-level-rules.js';
import { PowerLevels } from './power-levels.js';
import type { Rejection } from './rejection.js';
import type { StateLookup } from './state-lookup.js';

/**
 * The authorisation rules of a room version against a state: `undefined` when they allow the event, else the rule that
 * rejects it. `checkAuthEvents` is the rule about `auth_events`, and the signatures that an event needs (its sender's, and
 * that of `join_authorised_via_users_server`) are checked with the event's format before it comes here.
 * In room version 12, where no event cites the create event, `state` answers it all the same.
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules
 */
export function authorizeEvent(
  event: RoomEvent,
  state: StateLookup,
  rules: RoomVersionRules,
): Rejection | undefined {
  const { pdu } = event;
  const reject = rules.authRules;
  if (pdu.type === 'm.room.create') return checkCreate(event, rules);

  const create = state('m.room.create', '');
  if (create === undefined || !isCreateEventOf(event, create, rules)) return reject.noCreateEvent;
  if (
    create.pdu.content['m.federate'] === false &&
    serverNameOf(pdu.sender) !== serverNameOf(create.pdu.sender)
  ) {
    return reject.notFederated;
  }
  if (reject.aliasesWithoutStateKey && pdu.type === 'm.room.aliases') return checkAliases(pdu, rules);
  const powerLevels = new PowerLevels(create, state('m.room.power_levels', ''), rules);
  if (pdu.type === 'm.room.member') return checkMember(event, { create, state, powerLevels, rules });
  if (membershipOf(pdu.sender, state) !== 'join') return reject.senderNotJoined;

  const senderLevel = powerLevels.userLevel(pdu.sender);
  if (pdu.type === 'm.room.third_party_invite') {
    return senderLevel >= powerLevels.level('invite') ? undefined : reject.thirdPartyInviteLevel;
  }
  if (powerLevels.requiredLevel(pdu.type, pdu.state_key !== undefined) > senderLevel) return reject.sendLevel;
  if (pdu.state_key?.startsWith('@') && pdu.state_key !== pdu.sender) return reject.stateKeyOfOther;
  if (pdu.type === 'm.room.power_levels')
    return checkPowerLevels(event, { create, state, senderLevel, rules });
  if (reject.redactionNotAllowed && pdu.type === 'm.room.redaction' && !mayRedact(event, powerLevels)) {
    return reject.redactionNotAllowed;
  }
  return undefined;
}

function isCreateEventOf(event: RoomEvent, create: RoomEvent, rules: RoomVersionRules): boolean {
  if (!rules.roomIdIsCreateEventId) return true;
  return !create.rejected && event.roomId.slice(1) === create.eventId.slice(1);
}
