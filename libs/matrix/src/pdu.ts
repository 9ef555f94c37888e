import type { JsonObject } from './json.js';
import type { EventId, RoomId, UserId } from './ids.js';

/**
 * A persistent data unit as it travels between servers and lies in the database, for room versions 3 and up.
 * @see https://spec.matrix.org/v1.19/rooms/v12/#event-format
 */
export interface Pdu {
  type: string;
  /** Absent on the create event of room version 12. */
  room_id?: RoomId;
  sender: UserId;
  state_key?: string;
  content: JsonObject;
  origin_server_ts: number;
  depth: number;
  prev_events: EventId[];
  auth_events: EventId[];
  hashes: { sha256: string };
  signatures: Record<string, Record<string, string>>;
  /** Only in room versions 1 to 10; from 11 on it stands in the content. */
  redacts?: EventId;
  unsigned?: JsonObject;
  [key: string]: unknown;
}

/** An event with the id and the room that its room version gives it: what room rules and readers work on. */
export interface RoomEvent {
  readonly eventId: EventId;
  readonly roomId: RoomId;
  readonly pdu: Pdu;
  /** Refused by the checks on receipt; an event that cites it in `auth_events` is refused as well. */
  readonly rejected: boolean;
}
