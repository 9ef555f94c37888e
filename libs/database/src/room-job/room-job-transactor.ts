import { sql, type Transaction } from 'kysely';
import { NOW_MS } from '../delayed-event/delayed-event.js';
import type { Database } from '../open-database.js';
import { type Fence, fencePartitions } from '../partition/fence-partitions.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { PURGE_PHASE, type RoomJob } from './room-job.js';

/** What a step has come to; numbers are added to those of the steps before. */
export interface RoomJobProgress {
  readonly roomNid?: number | null;
  readonly phase?: string;
  readonly cursor?: number | null;
  readonly membersLeft?: number;
  readonly eventsPurged?: number;
  readonly rowsPurged?: number;
  /** The next step is not due before. */
  readonly nextInMs?: number;
  readonly isDone?: boolean;
}

/** The job has ended, or somebody else has gone on with it since it was read. Nothing was written. */
export class RoomJobMovedOn extends Error {
  override readonly name = 'RoomJobMovedOn';
}

/**
 * Does the steps of jobs. The claim on a job is the lease on its room's partition: it ends by itself with its holder, and PostgreSQL
 * refuses what a deposed one writes. A step and what the job says of it are one commit, so that whoever goes on finds neither
 * half done.
 */
export class RoomJobTransactor {
  constructor(
    private readonly database: Database,
    private readonly instance: string,
  ) {}

  /**
   * Takes a step from where `job` was when it was read.
   * @throws NotOwnerError, RoomJobMovedOn
   */
  async step<T>(
    job: RoomJob,
    fence: Fence,
    work: (trx: Transaction<DatabaseSchema>) => Promise<{ progress: RoomJobProgress; result: T }>,
  ): Promise<T> {
    return this.database.db.transaction().execute(async (trx) => {
      await fencePartitions(trx, 'room-state', this.instance, [fence]);
      const row = await trx
        .selectFrom('room_jobs')
        .select('job_id')
        .where('job_id', '=', job.jobId)
        .where('finished_ts', 'is', null)
        .where('phase', 'is not distinct from', job.phase)
        .where('cursor', 'is not distinct from', job.cursor)
        .forUpdate()
        .executeTakeFirst();
      if (!row) throw new RoomJobMovedOn(`job ${job.jobId} is no longer where it was`);
      const { progress, result } = await work(trx);
      await this.note(trx, job.jobId, progress);
      return result;
    });
  }

  /** A step that consists of nothing but what the job says. @throws NotOwnerError, RoomJobMovedOn */
  advance(job: RoomJob, fence: Fence, progress: RoomJobProgress): Promise<void> {
    return this.step(job, fence, () => Promise.resolve({ progress, result: undefined }));
  }

  /** The step failed and is taken again later, or, without a time, never: then the job has failed. */
  async failed(
    { jobId }: RoomJob,
    fence: Fence,
    error: string,
    againInMs: number | undefined,
  ): Promise<void> {
    await this.database.db.transaction().execute(async (trx) => {
      await fencePartitions(trx, 'room-state', this.instance, [fence]);
      await trx
        .updateTable('room_jobs')
        .set((eb) => ({
          attempts: eb('attempts', '+', 1),
          error,
          updated_ts: NOW_MS,
          next_try_ts: inMs(againInMs ?? 0),
          ...(againInMs === undefined && { status: 'failed' as const, finished_ts: NOW_MS }),
        }))
        .where('job_id', '=', jobId)
        .where('finished_ts', 'is', null)
        .execute();
    });
  }

  /** Deletes what is said of old jobs; not of deletions that failed half-way, which can still be gone on with. @returns how many */
  async deleteFinished(olderThanMs: number, limit: number): Promise<number> {
    const { numDeletedRows } = await this.database.db
      .deleteFrom('room_jobs')
      .where('job_id', 'in', (eb) =>
        eb
          .selectFrom('room_jobs')
          .select('job_id')
          .where('finished_ts', '<', inMs(-olderThanMs))
          .where((job) =>
            job.or([job('status', '!=', 'failed'), job('phase', 'is distinct from', PURGE_PHASE)]),
          )
          .limit(limit),
      )
      .executeTakeFirst();
    return Number(numDeletedRows);
  }

  private async note(
    trx: Transaction<DatabaseSchema>,
    jobId: number,
    { roomNid, phase, cursor, nextInMs = 0, isDone = false, ...done }: RoomJobProgress,
  ): Promise<void> {
    await trx
      .updateTable('room_jobs')
      .set((eb) => ({
        status: isDone ? ('done' as const) : ('running' as const),
        ...(roomNid !== undefined && { room_nid: roomNid }),
        ...(phase !== undefined && { phase }),
        ...(cursor !== undefined && { cursor }),
        members_left: eb('members_left', '+', done.membersLeft ?? 0),
        events_purged: eb('events_purged', '+', done.eventsPurged ?? 0),
        rows_purged: eb('rows_purged', '+', done.rowsPurged ?? 0),
        attempts: 0,
        error: null,
        updated_ts: NOW_MS,
        next_try_ts: inMs(nextInMs),
        ...(isDone && { finished_ts: NOW_MS }),
      }))
      .where('job_id', '=', jobId)
      .execute();
  }
}

function inMs(ms: number) {
  return sql<number>`${NOW_MS} + ${ms}::bigint`;
}
