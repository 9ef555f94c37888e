import type { ColumnType, Generated } from 'kysely';
import type { EventId } from '@atoll/matrix';

/**
 * What the checks on receipt made of an event. Only accepted events have a position. Outliers came as somebody's state or auth
 * event: by their auth events they are allowed or rejected, and the state before them is not known.
 */
export const EVENT_STATUS = {
  accepted: 0,
  softFailed: 1,
  rejected: 2,
  outlier: 3,
  rejectedOutlier: 4,
} as const;
export type EventStatus = (typeof EVENT_STATUS)[keyof typeof EVENT_STATUS];

/** Ids that migration 0003 gives to event types, so that SQL may name them. */
export const EVENT_TYPE_NIDS = {
  'm.room.member': 1,
  'm.room.create': 2,
  'm.room.power_levels': 3,
  'm.room.join_rules': 4,
  'm.room.history_visibility': 5,
} as const;
/** The interned id of the empty state key. */
export const EMPTY_STATE_KEY_NID = 1;

/** Every event of any status; `json` is the PDU as sent, unredacted (readers redact: see `redactions`). */
export interface EventsTable {
  event_nid: number;
  event_id: EventId;
  room_nid: number;
  type_nid: number;
  state_key_nid: number | null;
  sender_nid: number;
  depth: number;
  origin_server_ts: number;
  status: EventStatus;
  /** Why it was rejected or soft-failed. */
  problem: string | null;
  json: string;
}

/** The `events` stream: positive positions as accepted, negative ones for backfilled history: see `TimelinePoint`. */
export interface EventPositionsTable {
  position: number;
  event_nid: number;
  room_nid: number;
  /** For history: the position of the event that it is the history of, where it is known; null for the events of the stream. */
  before_position: number | null;
}

/** `[type_nid, state_key_nid, event_nid or null]`: null takes the key away. */
export type StateOverride = [number, number, number | null];

/** State before an event: the room's state at `base_position`, then the parent's overrides, then these. */
export interface EventStateTable {
  event_nid: number;
  base_position: number;
  parent_event_nid: number | null;
  overrides: ColumnType<StateOverride[], string, string>;
}

/** Client transaction ids, for the first answer again and for `unsigned.transaction_id`. */
export interface EventTransactionsTable {
  event_nid: number;
  /** Hash of user, device, scope and transaction id: see `transactionKey`. */
  key: Buffer;
  device_id: string;
  transaction_id: string;
}

/** Answers of commands that carried an idempotency key, written with their effect. */
export interface CommandResultsTable {
  idempotency_key: string;
  result: ColumnType<unknown, string, string>;
  created_at: Generated<Date>;
}

export interface RedactionsTable {
  redacted_event_nid: number;
  redaction_event_nid: number;
}

/** Signing keys of other servers. */
export interface ServerKeysTable {
  server_name: string;
  key_id: string;
  public_key: string;
  valid_until_ts: number;
  expired_ts: number | null;
  fetched_ts: number;
}
