import type { Pdu } from '@atoll/matrix';
import type { RoomVersionRules } from '../room-version-rules.js';

/** Bytes of a whole event as canonical JSON with its signatures. */
export const MAX_EVENT_BYTES = 65_536;
const MAX_FIELD_LENGTH = 255;
const LIMITED_FIELDS = ['type', 'state_key', 'sender', 'room_id', 'event_id'] as const;

/**
 * What is too long about an event of this server, or `undefined`: 255 bytes for its fields in every room version. Key order
 * does not change a length, so the event is not canonicalised.
 * @see https://spec.matrix.org/v1.19/client-server-api/#size-limits
 */
export function checkEventSize(pdu: Pdu): string | undefined {
  for (const field of LIMITED_FIELDS) {
    const value: unknown = pdu[field];
    if (typeof value === 'string' && Buffer.byteLength(value) > MAX_FIELD_LENGTH)
      return `${field} is longer than ${MAX_FIELD_LENGTH} bytes`;
  }
  return exceedsEventLimit(JSON.stringify(pdu))
    ? `the event is larger than ${MAX_EVENT_BYTES} bytes`
    : undefined;
}

/** Whether `type`, `state_key` or an id of another server's event is too long for its room version. */
export function exceedsFieldLimit(text: string, { fieldLimitUnit }: RoomVersionRules): boolean {
  // No text has more bytes than three for each UTF-16 unit, nor more units than bytes.
  if (text.length * 3 <= MAX_FIELD_LENGTH) return false;
  const length = fieldLimitUnit === 'bytes' ? Buffer.byteLength(text) : charactersIn(text);
  return length > MAX_FIELD_LENGTH;
}

/** For the JSON text of a whole event. */
export function exceedsEventLimit(json: string): boolean {
  return json.length > MAX_EVENT_BYTES || Buffer.byteLength(json) > MAX_EVENT_BYTES;
}

/** Unicode code points. */
function charactersIn(text: string): number {
  return text.length > 2 * MAX_FIELD_LENGTH ? text.length : Array.from(text).length;
}
