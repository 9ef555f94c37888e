import {
  canonicalJson,
  decodeUnpaddedBase64,
  encodeUnpaddedBase64,
  encodeUrlSafeUnpaddedBase64,
  lenientCanonicalJson,
  sha256,
} from '@atoll/event-crypto';
import type { EventId, EventReference, JsonObject, Pdu, RoomEvent, RoomId } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { essentialPart } from './redact-event.js';

/**
 * The unpadded Base64 hash over the whole event but `hashes`, `signatures` and `unsigned`.
 * @throws CanonicalJsonError
 * @see https://spec.matrix.org/v1.19/server-server-api/#calculating-the-content-hash-for-an-event
 */
export function contentHash(pdu: Pdu, rules: RoomVersionRules): string {
  const hashed = { ...(pdu as JsonObject), hashes: undefined, signatures: undefined, unsigned: undefined };
  return encodeUnpaddedBase64(sha256(canonicalEventJson(hashed, rules)));
}

/**
 * The canonical JSON of an event or a part of it, as strict as its room version.
 * @throws CanonicalJsonError
 */
export function canonicalEventJson(json: JsonObject, rules: RoomVersionRules): string {
  return rules.strictCanonicalJson ? canonicalJson(json) : lenientCanonicalJson(json);
}

/**
 * The content hash of an event of this server that has no hashes, signatures and unsigned part yet: strict in every version.
 * @throws CanonicalJsonError
 */
export function hashOfDraft(draft: JsonObject): string {
  return encodeUnpaddedBase64(sha256(canonicalJson(draft)));
}

/**
 * Whether the event's own content hash is right; if not, only its redacted form may be used.
 * @throws CanonicalJsonError
 * @see https://spec.matrix.org/v1.19/server-server-api/#validating-hashes-and-signatures-on-received-events
 */
export function hasValidContentHash(pdu: Pdu, rules: RoomVersionRules): boolean {
  const claimed = decodeUnpaddedBase64(pdu.hashes.sha256);
  return claimed !== undefined && encodeUnpaddedBase64(claimed) === contentHash(pdu, rules);
}

/**
 * The canonical JSON that both the reference hash and every signature of the event cover.
 * @throws CanonicalJsonError
 */
export function essentialJson(pdu: Pdu, rules: RoomVersionRules): string {
  return canonicalEventJson(essentialPart(pdu, rules), rules);
}

/**
 * The 32 bytes of the reference hash.
 * @throws CanonicalJsonError
 * @see https://spec.matrix.org/v1.19/server-server-api/#calculating-the-reference-hash-for-an-event
 */
export function referenceHash(pdu: Pdu, rules: RoomVersionRules): Buffer {
  return sha256(essentialJson(pdu, rules));
}

/**
 * The event id: what the event says, or `$` and its reference hash in the version's Base64.
 * @throws CanonicalJsonError
 * @throws Error when the version wants `event_id` and it is absent; `parseEvent` lets no such event through
 * @see https://spec.matrix.org/v1.19/rooms/v1/#event-ids
 * @see https://spec.matrix.org/v1.19/rooms/v3/#event-ids
 * @see https://spec.matrix.org/v1.19/rooms/v12/#event-ids
 */
export function eventIdOf(pdu: Pdu, rules: RoomVersionRules): EventId {
  if (rules.eventIds !== 'chosen') return eventIdOfHash(referenceHash(pdu, rules), rules);
  if (pdu.event_id === undefined) throw new Error(`An event of type ${pdu.type} has no event_id`);
  return pdu.event_id;
}

/** The event id that a reference hash makes, in versions that name events by their hash. */
export function eventIdOfHash(hash: Uint8Array, { eventIds }: RoomVersionRules): EventId {
  const encode = eventIds === 'hash' ? encodeUnpaddedBase64 : encodeUrlSafeUnpaddedBase64;
  return `$${encode(hash)}` as EventId;
}

/**
 * How events of a version name this one in `prev_events` and `auth_events`.
 * @throws CanonicalJsonError
 * @see https://spec.matrix.org/v1.19/rooms/v1/#event-format
 */
export function referenceTo({ eventId, pdu }: RoomEvent, rules: RoomVersionRules): EventReference {
  if (rules.eventIds !== 'chosen') return eventId;
  return [eventId, { sha256: encodeUnpaddedBase64(referenceHash(pdu, rules)) }];
}

/**
 * The room of an event: what it says, or what a create event without `room_id` (room version 12) implies.
 * @throws Error when any other event says nothing; `parseEvent` lets none through
 */
export function roomIdOf(pdu: Pdu, rules: RoomVersionRules): RoomId {
  if (rules.roomIdIsCreateEventId && pdu.type === 'm.room.create') {
    return `!${eventIdOf(pdu, rules).slice(1)}` as RoomId;
  }
  if (pdu.room_id === undefined) throw new Error(`An event of type ${pdu.type} has no room_id`);
  return pdu.room_id;
}
