import type { EventId, UserId } from '@atoll/matrix';

/** The `receipts` stream: the newest receipt of each user, type and thread in a room. */
export interface ReceiptsTable {
  room_nid: number;
  user_id: UserId;
  receipt_type: ReceiptType;
  /** `main`, the event id of a thread's root, or '' for an unthreaded receipt. */
  thread_id: string;
  event_id: EventId;
  /** In the events stream; null while this server does not have the event. */
  event_position: number | null;
  ts: number;
  position: number;
}

export type ReceiptType = 'm.read' | 'm.read.private';

/** The `typing` stream: a row for each room in which somebody has typed. */
export interface TypingTable {
  room_nid: number;
  /** A JSON object of user ids and the time at which they stop, ms since 1970. */
  users: string;
  /** The first of these times; null while nobody types. */
  expires_at: number | null;
  position: number;
}

/** The `presence` stream, of users of this server and of others. */
export interface PresenceTable {
  user_id: UserId;
  is_local: boolean;
  presence: Presence;
  status_msg: string | null;
  last_active_ts: number;
  currently_active: boolean;
  /** When it was last heard of; it may be newer than its position. */
  updated_ts: number;
  position: number;
}

/** @see https://spec.matrix.org/v1.19/client-server-api/#presence */
export type Presence = 'online' | 'unavailable' | 'offline';
