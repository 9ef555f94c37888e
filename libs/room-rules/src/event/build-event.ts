import { sha256, type SigningKey } from '@atoll/event-crypto';
import type {
  EventId,
  EventReference,
  JsonObject,
  Pdu,
  RoomEvent,
  RoomId,
  ServerName,
  UserId,
} from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { essentialJson, eventIdOfHash, hashOfDraft } from './event-hashes.js';

/** An event before hashing and signing. */
export interface EventDraft {
  type: string;
  /** Absent on the create event of room version 12. */
  room_id?: RoomId;
  /** Only in room versions 1 and 2: see {@link newEventId}. */
  event_id?: EventId;
  sender: UserId;
  state_key?: string;
  content: JsonObject;
  origin_server_ts: number;
  depth: number;
  /** See `referenceTo`. */
  prev_events: EventReference[];
  auth_events: EventReference[];
  /** Only in room versions 1 to 10. */
  redacts?: EventId;
}

/**
 * An id for an event of room versions 1 and 2, `undefined` in all others.
 * @param opaque what no other event of this server has: random
 * @see https://spec.matrix.org/v1.19/rooms/v1/#event-ids
 */
export function newEventId(
  opaque: string,
  serverName: ServerName,
  { eventIds }: RoomVersionRules,
): EventId | undefined {
  return eventIds === 'chosen' ? (`$${opaque}:${serverName}` as EventId) : undefined;
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
 * @throws Error when the room version wants an `event_id` and the draft has none
 * @see https://spec.matrix.org/v1.19/server-server-api/#adding-hashes-and-signatures-to-outgoing-events
 */
export function hashDraft(draft: EventDraft, rules: RoomVersionRules): HashedEvent {
  const hashes = { sha256: hashOfDraft({ ...draft }) };
  const pdu: Pdu = { ...draft, hashes, signatures: {} };
  const signedBytes = Buffer.from(essentialJson(pdu, rules));
  const eventId = rules.eventIds === 'chosen' ? draft.event_id : eventIdOfHash(sha256(signedBytes), rules);
  if (eventId === undefined) throw new Error(`A draft of type ${draft.type} has no event_id`);
  const roomId = draft.room_id ?? (`!${eventId.slice(1)}` as RoomId);
  return { event: { eventId, roomId, pdu, rejected: false }, signedBytes };
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
  const signature = await key.sign(Buffer.from(essentialJson(pdu, rules)));
  const ofServer = Object.hasOwn(pdu.signatures, serverName) ? pdu.signatures[serverName] : {};
  return {
    ...pdu,
    signatures: { ...pdu.signatures, [serverName]: { ...ofServer, [key.keyId]: signature } },
  };
}
