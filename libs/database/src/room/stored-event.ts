import type { EventId, Pdu, RoomId } from '@atoll/matrix';
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
  /** The accepted redaction of this event. */
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
  deviceId: string | null;
  transactionId: string | null;
}

export function toStoredEvent(row: StoredEventRow): StoredEvent {
  const { json, redactionId, redactionJson, deviceId, transactionId, ...event } = row;
  return {
    ...event,
    pdu: parsePdu(json),
    ...(redactionId !== null &&
      redactionJson !== null && { redactedBecause: { eventId: redactionId, pdu: parsePdu(redactionJson) } }),
    ...(deviceId !== null && transactionId !== null && { transaction: { deviceId, id: transactionId } }),
  };
}

/** Rows were checked when they were written. */
function parsePdu(json: string): Pdu {
  return JSON.parse(json) as Pdu;
}
