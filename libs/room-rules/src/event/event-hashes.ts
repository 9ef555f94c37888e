import {
  canonicalJson,
  decodeUnpaddedBase64,
  encodeUnpaddedBase64,
  encodeUrlSafeUnpaddedBase64,
  sha256,
} from '@atoll/event-crypto';
import type { EventId, JsonObject, Pdu, RoomId } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { essentialPart } from './redact-event.js';

/**
 * The unpadded Base64 hash over the whole event but `hashes`, `signatures` and `unsigned`.
 * @throws CanonicalJsonError
 * @see https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event
 */
export function contentHash(pdu: Pdu): string {
  return hashOfDraft({
    ...(pdu as JsonObject),
    hashes: undefined,
    signatures: undefined,
    unsigned: undefined,
  });
}

/** The content hash of an event that has no hashes, signatures and unsigned part yet. */
export function hashOfDraft(draft: JsonObject): string {
  return encodeUnpaddedBase64(sha256(canonicalJson(draft)));
}

/**
 * Whether the event's own content hash is right; if not, only its redacted form may be used.
 * @throws CanonicalJsonError
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export function hasValidContentHash(pdu: Pdu): boolean {
  const claimed = decodeUnpaddedBase64(pdu.hashes.sha256);
  return claimed !== undefined && encodeUnpaddedBase64(claimed) === contentHash(pdu);
}

/**
 * The canonical JSON that both the reference hash and every signature of the event cover.
 * @throws CanonicalJsonError
 */
export function essentialJson(pdu: Pdu, rules: RoomVersionRules): string {
  return canonicalJson(essentialPart(pdu, rules));
}

/**
 * The reference hash in URL-safe unpadded Base64, as event ids have it.
 * @throws CanonicalJsonError
 * @see https://spec.matrix.org/v1.19/server-server-api/#calculating-the-reference-hash-for-an-event
 */
export function referenceHash(pdu: Pdu, rules: RoomVersionRules): string {
  return encodeUrlSafeUnpaddedBase64(sha256(essentialJson(pdu, rules)));
}

/**
 * The event id: `$` and the reference hash.
 * @throws CanonicalJsonError
 * @see https://spec.matrix.org/v1.19/rooms/v12/#event-ids
 */
export function eventIdOf(pdu: Pdu, rules: RoomVersionRules): EventId {
  return `$${referenceHash(pdu, rules)}` as EventId;
}

/**
 * The room that a create event of room version 12 makes: its event id with the sigil `!`.
 * @throws CanonicalJsonError
 * @see https://spec.matrix.org/v1.19/appendices/#room-ids
 */
export function roomIdOfCreateEvent(pdu: Pdu, rules: RoomVersionRules): RoomId {
  return `!${referenceHash(pdu, rules)}` as RoomId;
}

/**
 * The room of an event: what it says, or what a create event without `room_id` (room version 12) implies.
 * @throws Error when any other event says nothing; `parseEvent` lets none through
 */
export function roomIdOf(pdu: Pdu, rules: RoomVersionRules): RoomId {
  if (rules.roomIdIsCreateEventId && pdu.type === 'm.room.create') return roomIdOfCreateEvent(pdu, rules);
  if (pdu.room_id === undefined) throw new Error(`An event of type ${pdu.type} has no room_id`);
  return pdu.room_id;
}
