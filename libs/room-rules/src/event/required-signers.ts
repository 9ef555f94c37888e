import { serverNameOf, type Pdu, type ServerName, type UserId } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { hasValidContentHash } from './event-hashes.js';
import { redactEvent } from './redact-event.js';

/**
 * Servers that must have signed an event of room version 3 or later: the sender's, and for member events that name a
 * `join_authorised_via_users_server` that user's. An invite that comes from a third-party invite may be sent by any
 * server in place of the sender's; the auth rules check its own proof instead.
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules (5.2)
 */
export function requiredSigners(pdu: Pdu, rules: RoomVersionRules): ServerName[] {
  const signers = new Set<ServerName>();
  if (!isThirdPartyInvite(trustedForm(pdu, rules))) signers.add(serverNameOf(pdu.sender));
  const authoriser =
    pdu.type === 'm.room.member' ? pdu.content['join_authorised_via_users_server'] : undefined;
  if (authoriser !== undefined) signers.add(serverOfUntrusted(authoriser));
  return [...signers];
}

/**
 * The form that the event will be used in. That a third-party invite needs no signature of its sender's server must not be
 * believed of one whose content hash is wrong: redacted, it may be an ordinary invite, which anyone could then forge.
 */
function trustedForm(pdu: Pdu, rules: RoomVersionRules): Pdu {
  return isThirdPartyInvite(pdu) && !hasValidContentHash(pdu) ? redactEvent(pdu, rules) : pdu;
}

/** True for an invite that redeems an `m.room.third_party_invite`. */
function isThirdPartyInvite({ type, content }: Pdu): boolean {
  return (
    type === 'm.room.member' &&
    content['membership'] === 'invite' &&
    content['third_party_invite'] !== undefined
  );
}

/** What is no user id names a server that cannot have signed, so that the check fails. */
function serverOfUntrusted(userId: unknown): ServerName {
  return typeof userId === 'string' ? serverNameOf(userId as UserId) : ('' as ServerName);
}
