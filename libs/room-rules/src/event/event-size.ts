import type { Pdu } from '@atoll/matrix';

/** Bytes of a whole event as canonical JSON with its signatures. */
export const MAX_EVENT_BYTES = 65_536;
const MAX_FIELD_BYTES = 255;
const LIMITED_FIELDS = ['type', 'state_key', 'sender', 'room_id'] as const;

/**
 * What is too long about an event, or `undefined`. Key order does not change a length, so the event is not canonicalised.
 * @see https://spec.matrix.org/v1.19/client-server-api/#size-limits
 */
export function checkEventSize(pdu: Pdu): string | undefined {
  for (const field of LIMITED_FIELDS) {
    if (exceedsFieldLimit(pdu[field] ?? '')) return `${field} is longer than ${MAX_FIELD_BYTES} bytes`;
  }
  return exceedsEventLimit(JSON.stringify(pdu))
    ? `the event is larger than ${MAX_EVENT_BYTES} bytes`
    : undefined;
}

/** For `type`, `state_key` and ids. */
export function exceedsFieldLimit(text: string): boolean {
  return Buffer.byteLength(text) > MAX_FIELD_BYTES;
}

/** For the JSON text of a whole event. */
export function exceedsEventLimit(json: string): boolean {
  return json.length > MAX_EVENT_BYTES || Buffer.byteLength(json) > MAX_EVENT_BYTES;
}
