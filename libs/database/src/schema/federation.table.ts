import type { Generated } from 'kysely';
import type { EventId, RoomId, ServerName } from '@atoll/matrix';

/** Checked events of other servers that wait for the owner of their room. `json` is the PDU's exact text. */
export interface StagedPdusTable {
  staged_id: Generated<number>;
  room_id: RoomId;
  partition: number;
  event_id: EventId;
  /** The server that sent it, which need not be its sender's. */
  origin: ServerName;
  json: string;
  received_ts: number;
  /** How often what it misses was asked for in vain, and when to ask again. */
  tries: Generated<number>;
  retry_at: Generated<number>;
}

/** What an invite or knock to a room that this server is not in says about it: a JSON array of stripped events or PDUs. */
export interface StrippedStatesTable {
  event_nid: number;
  events: string;
}

/** Predecessors of a room's events that this server does not have. */
export interface BackwardExtremitiesTable {
  room_nid: number;
  event_id: EventId;
  /** Of an event that names it. */
  depth: number;
  /** The event of the stream behind which it is missing. */
  followed_by_nid: number | null;
}

/** Accepted redactions of events that this server does not have yet. */
export interface PendingRedactionsTable {
  redaction_event_nid: number;
  room_nid: number;
  target_event_id: EventId;
  /** Where the redaction's sender had no power over others: it counts for events of this server's users alone. */
  only_of_server: ServerName | null;
  /** The event was here, and was purged with the history of its room. */
  is_target_purged: Generated<boolean>;
}

/** Transactions of other servers that were answered. */
export interface ReceivedTransactionsTable {
  origin: ServerName;
  transaction_id: string;
  /** A JSON object. */
  response: string;
  received_ts: number;
}

/** Of which servers a transaction is being taken in; `claim` names whoever does. */
export interface TransactionClaimsTable {
  origin: ServerName;
  claim: string;
  expires_at: Date;
}

/** How far the events stream was read for the destinations of a partition. */
export interface SenderCursorsTable {
  partition: number;
  position: number;
}

/** Times are ms since 1970. */
export interface DestinationsTable {
  destination: ServerName;
  partition: number;
  /** Everything that is meant for the server up to this position was acknowledged by it. */
  sent_position: number;
  /** Not null while it fails. */
  failing_since: number | null;
  retry_at: number | null;
  retry_interval_ms: number | null;
  /** The newest row of `device_changes` that is meant for the server, and up to which it has acknowledged all of them. */
  device_lists_newest: Generated<number>;
  device_lists_sent: Generated<number>;
}

/** The newest event of each room that is meant for a server. */
export interface DestinationRoomsTable {
  destination: ServerName;
  room_nid: number;
  position: number;
}

/** Events of other servers' users that this server sends on: joins, leaves and knocks made through it. */
export interface ForwardedEventsTable {
  event_nid: number;
}
