import type { RoomId } from '@atoll/matrix';
import type { Database } from '../open-database.js';
import { PURGE_PHASE } from './room-job.js';

/** Opens rooms again that were closed as they were deleted. */
export class RoomBlockTransactor {
  constructor(private readonly database: Database) {}

  /** False when the room is not closed, or must stay so because rows of it are still to go. */
  async unblock(roomId: RoomId): Promise<boolean> {
    const { numDeletedRows } = await this.database.db
      .deleteFrom('room_blocks')
      .where('room_id', '=', roomId)
      .where((eb) =>
        eb.not(
          eb.exists(
            eb
              .selectFrom('room_jobs')
              .select('job_id')
              .where('room_id', '=', roomId)
              .where((job) =>
                job.or([
                  job('finished_ts', 'is', null),
                  job.and([job('status', '=', 'failed'), job('phase', '=', PURGE_PHASE)]),
                ]),
              ),
          ),
        ),
      )
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }
}
