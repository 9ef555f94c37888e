import { isJsonObject, type JsonObject, type Pdu } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';

/**
 * A copy of the event with only what its room version protects from redaction; `unsigned` goes, signatures stay.
 * @see https://spec.matrix.org/v1.19/rooms/v11/#redactions
 */
export function redactEvent(pdu: Pdu, rules: RoomVersionRules): Pdu {
  return { ...essentialPart(pdu, rules), signatures: pdu.signatures } as Pdu;
}

/** What signatures and the reference hash cover: the redacted event without `signatures` and `unsigned`. */
export function essentialPart(pdu: Pdu, rules: RoomVersionRules): JsonObject {
  const part = pick(pdu as JsonObject, rules.redaction.keys);
  part['content'] = redactContent(pdu, rules);
  return part;
}

function redactContent(pdu: Pdu, { redaction }: RoomVersionRules): JsonObject {
  const kept = redaction.content.get(pdu.type);
  if (kept === undefined) return {};
  if (kept === 'everything') return pdu.content;
  const content = pick(pdu.content, kept);
  const invite = content['third_party_invite'];
  if (isJsonObject(invite)) content['third_party_invite'] = pick(invite, redaction.keptOfThirdPartyInvite);
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
