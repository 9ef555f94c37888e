import type { EventText } from '@atoll/database';
import { parseExactJson } from '@atoll/event-crypto';
import type { Pdu } from '@atoll/matrix';
import { redactEvent, rulesOf } from '@atoll/room-rules';

/** The text of an event for other servers: as it is stored, or of its redacted copy when it was redacted. */
export function pduText(event: EventText): string {
  return event.isRedacted ? redactedText(event) : event.json;
}

/** The text of the event's redacted copy, with numbers as they stood. */
export function redactedText(event: EventText): string {
  return JSON.stringify(redactedPdu(event));
}

/** What of an event may be looked at: its redacted copy when it was redacted. */
export function servedPdu(event: EventText): Pdu {
  return event.isRedacted ? redactedPdu(event) : parsedPdu(event);
}

/** The event with numbers that JavaScript would change kept as text. Rows were checked when they were written. */
export function parsedPdu({ json }: EventText): Pdu {
  return parseExactJson(json) as unknown as Pdu;
}

function redactedPdu(event: EventText): Pdu {
  const rules = rulesOf(event.roomVersion);
  if (rules === undefined) throw new Error(`No rules for room version ${event.roomVersion}`);
  return redactEvent(parsedPdu(event), rules);
}
