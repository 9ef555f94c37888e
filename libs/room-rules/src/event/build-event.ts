import { encodeUrlSafeUnpaddedBase64, sha256, signJson, type SigningKey } from '@atoll/event-crypto';
import type { EventId, JsonObject, Pdu, RoomEvent, RoomId, ServerName, UserId } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { essentialJson, hashOfDraft } from './event-hashes.js';
import { redactEvent } from './redact-event.js';

/** An event before hashing and signing. */
export interface EventDraft {
  type: string;
  /** Absent on the create event of room version 12. */
  room_id?: RoomId;
  sender: UserId;
  state_key?: string;
  content: JsonObject;
  origin_server_ts: number;
  depth: number;
  prev_events: EventId[];
  auth_events: EventId[];
  /** Only in room versions 1 to 10. */
  redacts?: EventId;
}

/** An event with its final id, room and hash, ready for the auth rules and for successors; its signature is missing. */
export interface HashedEvent {
  /** Has empty `signatures`. */
  readonly event: RoomEvent;
  /** What its server must sign. */
  readonly signedBytes: Uint8Array;
}

/**
 * Adds the content hash and computes the ids; signatures do not enter them. Canonicalises twice, as little as possible.
 * @throws CanonicalJsonError when the content has no canonical form
 * @see https://spec.matrix.org/v1.19/server-server-api/#adding-hashes-and-signatures-to-outgoing-events
 */
export function hashDraft(draft: EventDraft, rules: RoomVersionRules): HashedEvent {
  const hashes = { sha256: hashOfDraft({ ...draft }) };
  const pdu: Pdu = { ...draft, hashes, signatures: {} };
  const signedBytes = Buffer.from(essentialJson(pdu, rules));
  const hash = encodeUrlSafeUnpaddedBase64(sha256(signedBytes));
  const roomId = draft.room_id ?? (`!${hash}` as RoomId);
  return { event: { eventId: `$${hash}` as EventId, roomId, pdu, rejected: false }, signedBytes };
}

/** The same event with this server's signature, made off the event loop. */
export async function signHashedEvent(
  { event, signedBytes }: HashedEvent,
  serverName: ServerName,
  key: SigningKey,
): Promise<RoomEvent> {
  const signature = await key.sign(signedBytes);
  const signatures = { [serverName]: { [key.keyId]: signature } };
  return { ...event, pdu: { ...event.pdu, signatures } };
}

/**
 * Hashes and signs a draft.
 * @throws CanonicalJsonError when the content has no canonical form
 * @see https://spec.matrix.org/v1.19/server-server-api/#adding-hashes-and-signatures-to-outgoing-events
 */
export async function buildEvent(
  draft: EventDraft,
  rules: RoomVersionRules,
  serverName: ServerName,
  key: SigningKey,
): Promise<RoomEvent> {
  return signHashedEvent(hashDraft(draft, rules), serverName, key);
}

/**
 * A copy of an event, perhaps another server's, with this server's signature added: invites and restricted joins need it.
 * @throws CanonicalJsonError
 */
export async function signEvent(
  pdu: Pdu,
  rules: RoomVersionRules,
  serverName: ServerName,
  key: SigningKey,
): Promise<Pdu> {
  const { signatures } = await signJson(redactEvent(pdu, rules), serverName, key);
  return { ...pdu, signatures };
}
