import type { ColumnType, Generated } from 'kysely';
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
}

/** Transactions of other servers that were answered. */
export interface ReceivedTransactionsTable {
  origin: ServerName;
  transaction_id: string;
  response: ColumnType<unknown, string, string>;
  received_ts: number;
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
}

/** The newest event of each room that is meant for a server. */
export interface DestinationRoomsTable {
  destination: ServerName;
  room_nid: number;
  position: number;
}
