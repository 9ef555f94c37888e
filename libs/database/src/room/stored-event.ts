import type { EventId, Pdu, RoomId } from '@atoll/matrix';
import { redactEvent, rulesOf } from '@atoll/room-rules';
import type { EventStatus } from '../schema/event.table.js';

/** An event as it lies in the database, with what a reader needs to serve it. */
export interface StoredEvent {
  readonly eventNid: number;
  readonly eventId: EventId;
  readonly roomNid: number;
  readonly roomId: RoomId;
  readonly roomVersion: string;
  /** Its place in the room's timeline; null for events that are never shown (rejected, soft-failed, outliers). */
  readonly position: number | null;
  /** For history: the position of the event that it is the history of, where it is known; its place is just before that. */
  readonly beforePosition: number | null;
  readonly status: EventStatus;
  /** As sent, unredacted also when `redactedBecause` is there: whoever serves it redacts. */
  readonly pdu: Pdu;
  /** The accepted redaction of this event, as it may be served: redacted itself when it was redacted. */
  readonly redactedBecause?: { readonly eventId: EventId; readonly pdu: Pdu };
  /** The client transaction in which a local device (of the sender) sent it. */
  readonly transaction?: { readonly deviceId: string; readonly id: string };
}

/** The columns from which `toStoredEvent` builds. */
export interface StoredEventRow {
  eventNid: number;
  eventId: EventId;
  roomNid: number;
  roomId: RoomId;
  roomVersion: string;
  position: number | null;
  beforePosition: number | null;
  status: EventStatus;
  json: string;
  redactionId: EventId | null;
  redactionJson: string | null;
  isRedactionRedacted: boolean;
  deviceId: string | null;
  transactionId: string | null;
}

export function toStoredEvent(row: StoredEventRow): StoredEvent {
  const { json, redactionId, redactionJson, isRedactionRedacted, deviceId, transactionId, ...event } = row;
  const redaction = redactionJson === null ? undefined : parsePdu(redactionJson);
  return {
    ...event,
    pdu: parsePdu(json),
    ...(redactionId !== null &&
      redaction && {
        redactedBecause: {
          eventId: redactionId,
          pdu: isRedactionRedacted ? redacted(redaction, event.roomVersion) : redaction,
        },
      }),
    ...(deviceId !== null && transactionId !== null && { transaction: { deviceId, id: transactionId } }),
  };
}

function redacted(pdu: Pdu, roomVersion: string): Pdu {
  const rules = rulesOf(roomVersion);
  return rules === undefined ? pdu : redactEvent(pdu, rules);
}

/** Rows were checked when they were written. */
function parsePdu(json: string): Pdu {
  return JSON.parse(json) as Pdu;
}
