import { serverNameOf, type Pdu, type ServerName, type UserId } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { hasValidContentHash } from './event-hashes.js';
import { redactEvent } from './redact-event.js';

/**
 * Servers that must have signed an event:
 * - the sender's; but an invite that comes from a third-party invite may be sent by any server in place of it, and the auth
 *   rules check its own proof instead;
 * - in room versions 1 and 2, the one in the event id;
 * - from 8 on, for member events that name a `join_authorised_via_users_server`, that user's.
 * @throws CanonicalJsonError for an event that did not pass `parseEvent`
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 * @see https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules (5.2)
 */
export function requiredSigners(pdu: Pdu, rules: RoomVersionRules): ServerName[] {
  const used = usedForm(pdu, rules);
  const signers = new Set<ServerName>();
  if (!isThirdPartyInvite(used)) signers.add(serverNameOf(pdu.sender));
  if (rules.eventIdServerSigns) signers.add(serverOfUntrusted(pdu.event_id));
  const authoriser = authoriserOf(used, rules);
  if (authoriser !== undefined) signers.add(serverOfUntrusted(authoriser));
  return [...signers];
}

/**
 * The form that the event will be used in: redacted if its content hash is wrong. Nothing that redaction drops may say who
 * must sign. A third-party invite would turn into an ordinary one that anyone could forge; and in room version 8 whoever
 * passes a join on could name an authoriser, whose signature is then missing.
 */
function usedForm(pdu: Pdu, rules: RoomVersionRules): Pdu {
  if (!isThirdPartyInvite(pdu) && authoriserOf(pdu, rules) === undefined) return pdu;
  return hasValidContentHash(pdu, rules) ? pdu : redactEvent(pdu, rules);
}

function authoriserOf({ type, content }: Pdu, { authoriserServerSigns }: RoomVersionRules): unknown {
  if (!authoriserServerSigns || type !== 'm.room.member') return undefined;
  return content['join_authorised_via_users_server'];
}

/** True for an invite that redeems an `m.room.third_party_invite`. */
function isThirdPartyInvite({ type, content }: Pdu): boolean {
  return (
    type === 'm.room.member' &&
    content['membership'] === 'invite' &&
    content['third_party_invite'] !== undefined
  );
}

/** What is no id names a server that cannot have signed, so that the check fails. */
function serverOfUntrusted(id: unknown): ServerName {
  return typeof id === 'string' ? serverNameOf(id as UserId) : ('' as ServerName);
}
