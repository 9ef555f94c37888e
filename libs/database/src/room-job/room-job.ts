import type { RoomId } from '@atoll/matrix';
import type { Selectable } from 'kysely';
import type { RoomJobKind, RoomJobsTable, RoomJobStatus } from '../schema/room-job.table.js';

/** The phase of a deletion in which rows go: what has come so far cannot be taken back, and must come to its end. */
export const PURGE_PHASE = 'purge';

/** How a room is to be deleted. */
export interface DeleteRoomArguments {
  /** Nobody here can enter the room again. */
  readonly block: boolean;
  /** Its rows go when everybody has left. */
  readonly purge: boolean;
  /** They go even if somebody could not be made to leave. */
  readonly force: boolean;
  /** For how long, after everybody has left, clients may still learn of it: what they have not learnt then, they never do. */
  readonly purgeAfterMs: number;
}

/** Which message events of a room are to be purged: those that lie before a position, or that claim to be older than a time. */
export interface PurgeHistoryArguments {
  readonly beforePosition: number | null;
  /** ms since 1970 */
  readonly beforeTs: number | null;
  /** Those of this server's users too, which perhaps no other server has. */
  readonly deleteLocalEvents: boolean;
}

/** Something that takes many steps with one room, each of them a commit. Times are ms since 1970 by the database's clock. */
export type RoomJob = {
  readonly jobId: number;
  readonly roomId: RoomId;
  readonly roomNid: number | null;
  readonly partition: number;
  readonly status: RoomJobStatus;
  readonly phase: string | null;
  readonly cursor: number | null;
  readonly membersLeft: number;
  readonly eventsPurged: number;
  readonly rowsPurged: number;
  readonly attempts: number;
  readonly error: string | null;
  readonly createdTs: number;
  readonly nextTryTs: number;
  readonly updatedTs: number;
  readonly finishedTs: number | null;
} & (
  | { readonly kind: 'delete-room'; readonly arguments: DeleteRoomArguments }
  | { readonly kind: 'purge-history'; readonly arguments: PurgeHistoryArguments }
);

export type RoomJobOf<Kind extends RoomJobKind> = Extract<RoomJob, { readonly kind: Kind }>;

export function toRoomJob(row: Selectable<RoomJobsTable>): RoomJob {
  return {
    jobId: row.job_id,
    kind: row.kind,
    roomId: row.room_id,
    roomNid: row.room_nid,
    partition: row.partition,
    arguments: JSON.parse(row.arguments) as unknown,
    status: row.status,
    phase: row.phase,
    cursor: row.cursor,
    membersLeft: row.members_left,
    eventsPurged: row.events_purged,
    rowsPurged: row.rows_purged,
    attempts: row.attempts,
    error: row.error,
    createdTs: row.created_ts,
    nextTryTs: row.next_try_ts,
    updatedTs: row.updated_ts,
    finishedTs: row.finished_ts,
  } as RoomJob;
}
