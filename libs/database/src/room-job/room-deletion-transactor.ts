import { sql } from 'kysely';
import { NOW_MS } from '../delayed-event/delayed-event.js';
import type { Fence } from '../partition/fence-partitions.js';
import type { RoomJobOf } from './room-job.js';
import type { RoomJobProgress, RoomJobTransactor } from './room-job-transactor.js';
import { PURGE_STEPS } from './room-rows.js';

/** Rows of one commit: short, so that nobody else waits for what it locks. */
const ROWS = 1_000;

type Job = RoomJobOf<'delete-room'>;

/** The steps of a room's deletion that are nothing but rows; see `room-rows.ts` for what becomes of each table. */
export class RoomDeletionTransactor {
  constructor(private readonly jobs: RoomJobTransactor) {}

  /**
   * From now on local users can do nothing in the room but leave. Within the room's turn: its memory is then out of date. Which room it
   * is, is decided here: it may have become known since the job was asked for.
   * @param phases what comes next for a room that is known, and for one that is not
   */
  async close(job: Job, fence: Fence, phases: readonly [known: string, unknown: string]): Promise<void> {
    await this.jobs.step(job, fence, async (trx) => {
      await trx
        .insertInto('room_blocks')
        .values({ room_id: job.roomId, is_lasting: job.arguments.block, created_ts: NOW_MS })
        .onConflict((conflict) =>
          conflict
            .column('room_id')
            .doUpdateSet({ is_lasting: sql<boolean>`room_blocks.is_lasting OR excluded.is_lasting` }),
        )
        .execute();
      const room = await trx
        .selectFrom('rooms')
        .select('room_nid')
        .where('room_id', '=', job.roomId)
        .executeTakeFirst();
      const progress = { roomNid: room?.room_nid ?? null, phase: phases[room ? 0 : 1] };
      return { progress, result: undefined };
    });
  }

  /** Nothing leads to the room any more. */
  async unlist(job: Job, fence: Fence, progress: RoomJobProgress): Promise<void> {
    await this.jobs.step(job, fence, async (trx) => {
      await trx.deleteFrom('room_aliases').where('room_nid', '=', job.roomNid).execute();
      await trx
        .updateTable('rooms')
        .set({ in_directory: false })
        .where('room_nid', '=', job.roomNid)
        .execute();
      return { progress, result: undefined };
    });
  }

  /** The room is known no more, whatever rows are left of it. Within the room's turn: its memory must go. */
  async vanish(job: Job, fence: Fence, progress: RoomJobProgress): Promise<void> {
    await this.jobs.step(job, fence, async (trx) => {
      await trx.deleteFrom('room_heads').where('room_nid', '=', job.roomNid).execute();
      await trx.deleteFrom('rooms').where('room_nid', '=', job.roomNid).execute();
      return { progress: { ...progress, cursor: 0 }, result: undefined };
    });
  }

  /** Deletes some of the rows of a room that has vanished; `cursor` counts the tables that are done. With the last of them, `after` comes. */
  async purgePage(job: Job, fence: Fence, after: RoomJobProgress): Promise<void> {
    await this.jobs.step(job, fence, async (trx) => {
      const { roomId, roomNid, cursor } = job;
      for (let table = cursor ?? 0; roomNid !== null && table < PURGE_STEPS.length; table += 1) {
        const rows = await PURGE_STEPS[table]?.(trx, { roomId, roomNid }, ROWS);
        if (rows !== undefined && rows > 0)
          return { progress: { cursor: table, rowsPurged: rows }, result: undefined };
      }
      return { progress: after, result: undefined };
    });
  }

  /** The end: a room that was closed only for the time of its deletion is open again, as one that this server does not know. */
  async finish(job: Job, fence: Fence): Promise<void> {
    await this.jobs.step(job, fence, async (trx) => {
      await trx
        .deleteFrom('room_blocks')
        .where('room_id', '=', job.roomId)
        .where('is_lasting', '=', false)
        .execute();
      return { progress: { isDone: true }, result: undefined };
    });
  }
}
