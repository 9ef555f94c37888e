import { anyOf } from '../any-of.js';
import { NOW_MS } from '../delayed-event/delayed-event.js';
import type { Database } from '../open-database.js';
import { type RoomJob, toRoomJob } from './room-job.js';

/** Jobs on rooms: for those who do them, and for those who ask how far they are. */
export class RoomJobReader {
  constructor(private readonly database: Database) {}

  async byId(jobId: number): Promise<RoomJob | undefined> {
    const row = await this.database.db
      .selectFrom('room_jobs')
      .selectAll()
      .where('job_id', '=', jobId)
      .executeTakeFirst();
    return row && toRoomJob(row);
  }

  /** The newest first. */
  async newest(limit: number): Promise<RoomJob[]> {
    const rows = await this.database.db
      .selectFrom('room_jobs')
      .selectAll()
      .orderBy('job_id', 'desc')
      .limit(limit)
      .execute();
    return rows.map(toRoomJob);
  }

  /** Jobs of the partitions that have something to do now, the oldest first. */
  async due(partitions: readonly number[], limit: number): Promise<RoomJob[]> {
    const rows = await this.database.db
      .selectFrom('room_jobs')
      .selectAll()
      .where('finished_ts', 'is', null)
      .where('partition', '=', anyOf(partitions))
      .where('next_try_ts', '<=', NOW_MS)
      .orderBy('job_id')
      .limit(limit)
      .execute();
    return rows.map(toRoomJob);
  }
}
