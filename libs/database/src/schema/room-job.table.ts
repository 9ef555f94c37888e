import type { RoomId } from '@atoll/matrix';
import type { Generated, GeneratedAlways } from 'kysely';

export type RoomJobKind = 'delete-room' | 'purge-history';
export type RoomJobStatus = 'scheduled' | 'running' | 'done' | 'failed' | 'cancelled';

/** What takes many steps with one room. Times are ms since 1970 by the database's clock. */
export interface RoomJobsTable {
  job_id: GeneratedAlways<number>;
  kind: RoomJobKind;
  room_id: RoomId;
  /** Null for a room that this server does not know. */
  room_nid: number | null;
  partition: number;
  /** A JSON object: see `DeleteRoomArguments` and `PurgeHistoryArguments`. */
  arguments: string;
  status: Generated<RoomJobStatus>;
  /** What its next step is, and where that goes on; their meaning is the worker's. */
  phase: string | null;
  cursor: number | null;
  members_left: Generated<number>;
  events_purged: Generated<number>;
  rows_purged: Generated<number>;
  /** Failures in a row of the step that it is at. */
  attempts: Generated<number>;
  error: string | null;
  created_ts: number;
  next_try_ts: number;
  updated_ts: number;
  /** Not null when it is done, failed or cancelled. */
  finished_ts: number | null;
}

/** Rooms in which local users can do nothing but leave, known or not. */
export interface RoomBlocksTable {
  room_id: RoomId;
  /** False: only until the room's rows are gone. */
  is_lasting: boolean;
  created_ts: number;
}
