import type { RoomId } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';

/** What the owner of a room writes to the staging table: who is no longer the owner may repeat it without harm. */
export class StagedPduTransactor {
  constructor(private readonly database: Database) {}

  /** The events are durable in their rooms, or refused for good. */
  async delete(stagedIds: readonly number[]): Promise<void> {
    await this.database.db.deleteFrom('staged_pdus').where('staged_id', '=', anyOf(stagedIds)).execute();
  }

  /** What an event misses was asked for in vain: once more at a time, in ms since 1970. */
  async postpone(stagedId: number, retryAt: number): Promise<void> {
    await this.database.db
      .updateTable('staged_pdus')
      .set((eb) => ({ tries: eb('tries', '+', 1), retry_at: retryAt }))
      .where('staged_id', '=', stagedId)
      .execute();
  }

  /** What the events missed is there now. */
  async retryNow(stagedIds: readonly number[]): Promise<void> {
    await this.database.db
      .updateTable('staged_pdus')
      .set({ retry_at: 0 })
      .where('staged_id', '=', anyOf(stagedIds))
      .where('retry_at', '>', 0)
      .execute();
  }

  /** Those of a room that wait for their next try. @returns how many */
  async retryRoom(roomId: RoomId): Promise<number> {
    const { numUpdatedRows } = await this.database.db
      .updateTable('staged_pdus')
      .set({ retry_at: 0 })
      .where('room_id', '=', roomId)
      .where('retry_at', '>', 0)
      .executeTakeFirstOrThrow();
    return Number(numUpdatedRows);
  }
}
