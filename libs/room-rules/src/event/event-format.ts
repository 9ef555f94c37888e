import { isRawNumber, type RawNumber } from '@atoll/event-crypto';
import {
  hasEventIdGrammar,
  hasOldEventIdGrammar,
  hasOldRoomIdGrammar,
  hasUserIdGrammar,
  isJsonObject,
  type JsonObject,
} from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { exceedsFieldLimit } from './event-size.js';

const MAX_PREV_EVENTS = 20;
const MAX_AUTH_EVENTS = 10;
const HASH_ROOM_ID = /^![A-Za-z0-9_-]{43}$/;
const MAX_INT64 = 2n ** 63n - 1n;
const INTEGER_OF_64_BITS_AT_MOST = /^-?[0-9]{1,19}$/;

type FieldTest = (value: unknown, rules: RoomVersionRules) => boolean;

/** A field of an event: its name, whether a value is right, and what a right one is. */
type Field = readonly [name: string, test: FieldTest, expected: string];

const isShortString: FieldTest = (value, rules) =>
  typeof value === 'string' && !exceedsFieldLimit(value, rules);
const optional =
  (test: FieldTest): FieldTest =>
  (value, rules) =>
    value === undefined || test(value, rules);
const both =
  (one: FieldTest, other: FieldTest): FieldTest =>
  (value, rules) =>
    one(value, rules) && other(value, rules);
const listOf =
  (most: number): FieldTest =>
  (value, rules) =>
    Array.isArray(value) && value.length <= most && value.every((item) => isReference(item, rules));
const isStringMap: FieldTest = (value) =>
  isObject(value) && Object.values(value).every((item) => typeof item === 'string');
const isSignatures: FieldTest = (value, rules) =>
  isObject(value) && Object.values(value).every((item) => isStringMap(item, rules));

/**
 * What every event has, in the form that its room version gives it.
 * @see https://spec.matrix.org/v1.19/rooms/v1/#event-format
 * @see https://spec.matrix.org/v1.19/rooms/v6/#event-format
 */
const FIELDS: readonly Field[] = [
  ['type', isShortString, 'a string of at most 255 bytes'],
  ['sender', both(isShortString, hasUserIdGrammar), 'a user id'],
  ['state_key', optional(isShortString), 'a string of at most 255 bytes'],
  ['content', isObject, 'an object'],
  ['origin_server_ts', isInteger, 'an integer'],
  ['depth', (value, rules) => isInteger(value, rules) && !isNegative(value), 'a positive integer or 0'],
  ['prev_events', listOf(MAX_PREV_EVENTS), 'a list of references to at most 20 events'],
  ['auth_events', listOf(MAX_AUTH_EVENTS), 'a list of references to at most 10 events'],
  ['hashes', (value) => isObject(value) && typeof value['sha256'] === 'string', 'an object with a sha256'],
  ['signatures', isSignatures, 'an object of objects of strings'],
  [
    'event_id',
    (value, rules) =>
      rules.eventIds !== 'chosen' || (isShortString(value, rules) && hasOldEventIdGrammar(value)),
    'an event id with a server name',
  ],
  [
    'redacts',
    (value, rules) => rules.redactsInContent || optional(isShortString)(value, rules),
    'an event id',
  ],
];

/** What is wrong with the form of an event, or `undefined`. */
export function formatProblem(json: JsonObject, rules: RoomVersionRules): string | undefined {
  for (const [field, test, expected] of FIELDS) {
    if (!test(json[field], rules)) return `${field} must be ${expected}`;
  }
  return roomIdProblem(json, rules);
}

function roomIdProblem(json: JsonObject, rules: RoomVersionRules): string | undefined {
  const { room_id: roomId } = json;
  if (!rules.roomIdIsCreateEventId) {
    return isShortString(roomId, rules) && hasOldRoomIdGrammar(roomId)
      ? undefined
      : 'room_id must be a room id with a server name';
  }
  if (json['type'] === 'm.room.create') {
    if (roomId !== undefined) return 'room_id must be absent from a create event';
    return json['state_key'] === '' ? undefined : 'state_key must be empty on a create event';
  }
  return typeof roomId === 'string' && HASH_ROOM_ID.test(roomId) ? undefined : 'room_id must be ! and a hash';
}

/** An event id, or in room versions 1 and 2 a pair of event id and hashes. */
function isReference(item: unknown, rules: RoomVersionRules): boolean {
  if (rules.eventIds !== 'chosen') return isShortEventId(item, rules);
  // Nothing reads the hashes; which ones old events carry is theirs.
  return Array.isArray(item) && item.length === 2 && isShortEventId(item[0], rules) && isObject(item[1]);
}

function isShortEventId(value: unknown, rules: RoomVersionRules): boolean {
  return isShortString(value, rules) && hasEventIdGrammar(value);
}

/** A number that has kept its source is an object to JavaScript only. */
function isObject(value: unknown): value is JsonObject {
  return isJsonObject(value) && !isRawNumber(value);
}

/** Within ±(2^53-1), or in versions that allow any number within 64 bits. */
function isInteger(value: unknown, rules: RoomVersionRules): boolean {
  if (Number.isSafeInteger(value)) return true;
  if (rules.strictCanonicalJson || !isRawNumber(value)) return false;
  if (!INTEGER_OF_64_BITS_AT_MOST.test(value.rawJSON)) return false;
  const integer = BigInt(value.rawJSON);
  return integer <= MAX_INT64 && integer >= -MAX_INT64;
}

function isNegative(value: unknown): boolean {
  return numberIn(value as number | RawNumber) < 0;
}

/** The nearest JavaScript number. */
export function numberIn(value: number | RawNumber): number {
  return isRawNumber(value) ? Number(value.rawJSON) : value;
}
