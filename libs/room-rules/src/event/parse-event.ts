import { CanonicalJsonError, parseExactJson } from '@atoll/event-crypto';
import { isJsonObject, type JsonObject, type Pdu } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';
import { canonicalEventJson } from './event-hashes.js';
import { formatProblem } from './event-format.js';
import { exceedsEventLimit, MAX_EVENT_BYTES } from './event-size.js';

/** An event that has the format of its room version, or what is wrong with it, to be logged and dropped. */
export type ParsedEvent = { readonly event: Pdu } | { readonly problem: string };

/**
 * Reads an event from another server from its JSON text. Never throws. Of equal keys the last one counts.
 * @see {@link parseEvent}
 */
export function parseEventText(text: string, rules: RoomVersionRules): ParsedEvent {
  const json = parseExactJson(text);
  return json === undefined ? { problem: 'no JSON, or nested too deep' } : parseEvent(json, rules);
}

/**
 * Checks the format and size of an event from another server, given as `parseExactJson` has read it: `JSON.parse` would
 * hide numbers that the room version forbids, or change what signatures cover. Never throws. The result is a copy without
 * `unsigned`, which nobody signed; everything else stays as it came, because hashes cover it.
 * @see https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu (1)
 * @see https://spec.matrix.org/v1.19/rooms/v12/#event-format
 */
export function parseEvent(json: unknown, rules: RoomVersionRules): ParsedEvent {
  if (!isJsonObject(json)) return { problem: 'not an object' };
  const event = withoutUnsigned(json);
  const problem = formatProblem(event, rules) ?? canonicalProblem(event, rules);
  return problem === undefined ? { event: event as unknown as Pdu } : { problem };
}

/**
 * A checked event as rules, readers and structured clones take it: with nothing but JavaScript's own numbers, the nearest
 * ones. It is the event itself where the room version forbids others. What is stored and sent on is the exact one.
 */
export function withPlainNumbers(pdu: Pdu, rules: RoomVersionRules): Pdu {
  return rules.strictCanonicalJson ? pdu : (JSON.parse(JSON.stringify(pdu)) as Pdu);
}

function canonicalProblem(event: JsonObject, rules: RoomVersionRules): string | undefined {
  try {
    return exceedsEventLimit(canonicalEventJson(event, rules))
      ? `the event is larger than ${MAX_EVENT_BYTES} bytes`
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
