import { isJsonObject, type JsonObject, type Pdu } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';

/** Top-level keys that survive, without `signatures`; in canonical order, so that hashing need not sort. */
const KEPT_KEYS = [
  'auth_events',
  'content',
  'depth',
  'event_id',
  'hashes',
  'origin_server_ts',
  'prev_events',
  'room_id',
  'sender',
  'state_key',
  'type',
];
const KEPT_KEYS_BEFORE_11 = [...KEPT_KEYS, 'membership', 'origin', 'prev_state'].sort();

const POWER_LEVEL_KEYS = [
  'ban',
  'events',
  'events_default',
  'kick',
  'redact',
  'state_default',
  'users',
  'users_default',
];

/** What stays of a content; `third_party_invite` here means its `signed` only. */
const KEPT_CONTENT_BEFORE_11 = new Map<string, readonly string[]>([
  ['m.room.member', ['join_authorised_via_users_server', 'membership']],
  ['m.room.create', ['creator']],
  ['m.room.join_rules', ['allow', 'join_rule']],
  ['m.room.power_levels', POWER_LEVEL_KEYS],
  ['m.room.history_visibility', ['history_visibility']],
]);
const KEPT_CONTENT = new Map<string, readonly string[] | 'everything'>([
  ...KEPT_CONTENT_BEFORE_11,
  ['m.room.member', ['join_authorised_via_users_server', 'membership', 'third_party_invite']],
  ['m.room.create', 'everything'],
  ['m.room.power_levels', [...POWER_LEVEL_KEYS, 'invite'].sort()],
  ['m.room.redaction', ['redacts']],
]);

/**
 * A copy of the event with only what its room version protects from redaction; `unsigned` goes, signatures stay.
 * @see https://spec.matrix.org/v1.19/rooms/v10/#redactions
 * @see https://spec.matrix.org/v1.19/rooms/v11/#redactions
 */
export function redactEvent(pdu: Pdu, rules: RoomVersionRules): Pdu {
  return { ...essentialPart(pdu, rules), signatures: pdu.signatures } as Pdu;
}

/** What signatures and the reference hash cover: the redacted event without `signatures` and `unsigned`. */
export function essentialPart(pdu: Pdu, rules: RoomVersionRules): JsonObject {
  const keys = rules.updatedRedactionRules ? KEPT_KEYS : KEPT_KEYS_BEFORE_11;
  const part = pick(pdu as JsonObject, keys);
  part['content'] = redactContent(pdu, rules);
  return part;
}

function redactContent(pdu: Pdu, rules: RoomVersionRules): JsonObject {
  const kept = (rules.updatedRedactionRules ? KEPT_CONTENT : KEPT_CONTENT_BEFORE_11).get(pdu.type);
  if (kept === undefined) return {};
  if (kept === 'everything') return pdu.content;
  const content = pick(pdu.content, kept);
  const invite = content['third_party_invite'];
  if (isJsonObject(invite)) content['third_party_invite'] = pick(invite, ['signed']);
  else delete content['third_party_invite'];
  return content;
}

function pick(object: JsonObject, keys: readonly string[]): JsonObject {
  const picked: JsonObject = {};
  for (const key of keys) {
    if (Object.hasOwn(object, key) && object[key] !== undefined) picked[key] = object[key];
  }
  return picked;
}
