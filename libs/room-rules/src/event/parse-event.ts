import { canonicalJson, CanonicalJsonError } from '@atoll/event-crypto';
import { isEventId, isJsonObject, isRoomId, isUserId, type JsonObject, type Pdu } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { exceedsEventLimit, exceedsFieldLimit } from './event-size.js';

const MAX_PREV_EVENTS = 20;
const MAX_AUTH_EVENTS = 10;
const HASH_ROOM_ID = /^![A-Za-z0-9_-]{43}$/;

type FieldTest = (value: unknown) => boolean;

const isShortString: FieldTest = (value) => typeof value === 'string' && !exceedsFieldLimit(value);
const isOptionalShortString: FieldTest = (value) => value === undefined || isShortString(value);
const isEventIds = (value: unknown, most: number) =>
  Array.isArray(value) && value.length <= most && value.every(isEventId);
const isSignatures: FieldTest = (value) => isJsonObject(value) && Object.values(value).every(isStringMap);
const isStringMap: FieldTest = (value) =>
  isJsonObject(value) && Object.values(value).every((item) => typeof item === 'string');

/** The event format of room versions 4 and up, `room_id` and `redacts` aside. */
const FIELDS: readonly (readonly [string, FieldTest, string])[] = [
  ['type', isShortString, 'a string of at most 255 bytes'],
  ['sender', isUserId, 'a user id'],
  ['state_key', isOptionalShortString, 'a string of at most 255 bytes'],
  ['content', isJsonObject, 'an object'],
  ['origin_server_ts', Number.isSafeInteger, 'an integer'],
  ['depth', (value) => Number.isSafeInteger(value) && (value as number) >= 0, 'an integer from 0 to 2^53-1'],
  ['prev_events', (value) => isEventIds(value, MAX_PREV_EVENTS), 'a list of at most 20 event ids'],
  ['auth_events', (value) => isEventIds(value, MAX_AUTH_EVENTS), 'a list of at most 10 event ids'],
  [
    'hashes',
    (value) => isJsonObject(value) && typeof value['sha256'] === 'string',
    'an object with a sha256',
  ],
  ['signatures', isSignatures, 'an object of objects of strings'],
];

/** An event that has the format of its room version, or what is wrong with it, to be logged and dropped. */
export type ParsedEvent = { readonly event: Pdu } | { readonly problem: string };

/**
 * Checks the format and size of an event from another server, given as parsed JSON. Never throws. The result is a copy without
 * `unsigned`, which nobody signed; everything else stays as it came, because hashes cover it.
 * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu (1)
 * @see https://spec.matrix.org/v1.19/rooms/v12/#event-format
 */
export function parseEvent(json: unknown, rules: RoomVersionRules): ParsedEvent {
  if (!isJsonObject(json)) return { problem: 'not an object' };
  for (const [field, test, expected] of FIELDS) {
    if (!test(json[field])) return { problem: `${field} must be ${expected}` };
  }
  const event = withoutUnsigned(json) as unknown as Pdu;
  const problem = roomIdProblem(event, rules) ?? redactsProblem(event, rules) ?? canonicalProblem(event);
  return problem === undefined ? { event } : { problem };
}

function roomIdProblem(event: Pdu, rules: RoomVersionRules): string | undefined {
  const roomId: unknown = event.room_id;
  if (!rules.roomIdIsCreateEventId) {
    return isRoomId(roomId) && roomId.includes(':')
      ? undefined
      : 'room_id must be a room id with a server name';
  }
  if (event.type === 'm.room.create') {
    if (roomId !== undefined) return 'room_id must be absent from a create event';
    return event.state_key === '' ? undefined : 'state_key must be empty on a create event';
  }
  return typeof roomId === 'string' && HASH_ROOM_ID.test(roomId) ? undefined : 'room_id must be ! and a hash';
}

function redactsProblem(event: Pdu, rules: RoomVersionRules): string | undefined {
  if (rules.redactsInContent || isOptionalShortString(event.redacts)) return undefined;
  return 'redacts must be an event id';
}

function canonicalProblem(event: Pdu): string | undefined {
  try {
    return exceedsEventLimit(canonicalJson(event as JsonObject))
      ? 'the event is larger than 65536 bytes'
      : undefined;
  } catch (error) {
    if (error instanceof CanonicalJsonError) return error.message;
    throw error;
  }
}

function withoutUnsigned(json: JsonObject): JsonObject {
  if (!Object.hasOwn(json, 'unsigned')) return { ...json };
  return Object.fromEntries(Object.entries(json).filter(([key]) => key !== 'unsigned'));
}
