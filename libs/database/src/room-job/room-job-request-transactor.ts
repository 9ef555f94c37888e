import type { RoomId } from '@atoll/matrix';
import { isUniqueViolation } from '../database-errors.js';
import { NOW_MS } from '../delayed-event/delayed-event.js';
import type { Database } from '../open-database.js';
import {
  type DeleteRoomArguments,
  PURGE_PHASE,
  type PurgeHistoryArguments,
  type RoomJob,
} from './room-job.js';

/** Phases of a deletion that is not stopped any more: rows go, or nothing is left to be done. */
const UNSTOPPABLE = [PURGE_PHASE, 'finish'];

/** The room that a job is about; `roomNid` is null for one that this server does not know. */
export interface JobRoom {
  readonly roomId: RoomId;
  readonly roomNid: number | null;
  readonly partition: number;
}

/** Another job of the room is under way. */
export class RoomIsBusy extends Error {
  override readonly name = 'RoomIsBusy';

  constructor(readonly roomId: RoomId) {
    super(`another job of ${roomId} is under way`);
  }
}

/** Writes down what is to be done with rooms; the owners of their partitions look each second. */
export class RoomJobRequestTransactor {
  constructor(private readonly database: Database) {}

  /**
   * @returns the number of the job
   * @throws RoomIsBusy
   */
  deleteRoom(room: JobRoom, args: DeleteRoomArguments): Promise<number> {
    return this.request(room, 'delete-room', args);
  }

  /**
   * @returns the number of the job
   * @throws RoomIsBusy
   */
  purgeHistory(room: JobRoom, args: PurgeHistoryArguments): Promise<number> {
    return this.request(room, 'purge-history', args);
  }

  /** Goes on with a job that has failed, where it failed. False when there is none. @throws RoomIsBusy */
  async retry({ jobId, roomId }: Pick<RoomJob, 'jobId' | 'roomId'>): Promise<boolean> {
    const { numUpdatedRows } = await this.unlessBusy(roomId, () =>
      this.database.db
        .updateTable('room_jobs')
        .set({ status: 'scheduled', attempts: 0, finished_ts: null, next_try_ts: NOW_MS, updated_ts: NOW_MS })
        .where('job_id', '=', jobId)
        .where('status', '=', 'failed')
        .executeTakeFirst(),
    );
    return numUpdatedRows > 0n;
  }

  /**
   * Ends a job between two of its steps; what was done stays done, but a room that was closed only for its deletion is open again. False
   * when it has ended, or is a deletion in which rows have begun to go.
   */
  async cancel(jobId: number): Promise<boolean> {
    return this.database.db.transaction().execute(async (trx) => {
      const job = await trx
        .updateTable('room_jobs')
        .set({ status: 'cancelled', finished_ts: NOW_MS, updated_ts: NOW_MS })
        .where('job_id', '=', jobId)
        .where('finished_ts', 'is', null)
        .where((eb) => eb.or([eb('phase', 'is', null), eb('phase', 'not in', UNSTOPPABLE)]))
        .returning('room_id')
        .executeTakeFirst();
      if (!job) return false;
      await trx
        .deleteFrom('room_blocks')
        .where('room_id', '=', job.room_id)
        .where('is_lasting', '=', false)
        .execute();
      return true;
    });
  }

  private async request(
    { roomId, roomNid, partition }: JobRoom,
    kind: RoomJob['kind'],
    args: RoomJob['arguments'],
  ): Promise<number> {
    const row = await this.unlessBusy(roomId, () =>
      this.database.db
        .insertInto('room_jobs')
        .values({
          kind,
          room_id: roomId,
          room_nid: roomNid,
          partition,
          arguments: JSON.stringify(args),
          created_ts: NOW_MS,
          next_try_ts: NOW_MS,
          updated_ts: NOW_MS,
        })
        .returning('job_id')
        .executeTakeFirstOrThrow(),
    );
    return row.job_id;
  }

  private async unlessBusy<T>(roomId: RoomId, write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      if (isUniqueViolation(error, 'room_jobs_unfinished')) throw new RoomIsBusy(roomId);
      throw error;
    }
  }
}
