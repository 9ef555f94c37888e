import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import type { ClosingStatements, TakenPositions } from '../closing-statements.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { DELETED_CONTENT } from './deleted-content.js';

/** Of one user: who has not synced for so many deletions keeps what the oldest of them deleted. */
const MAX_DELETIONS = 1_000;

/** Writes the `account_data` stream. */
export class AccountDataTransactor {
  constructor(
    private readonly transaction: Transaction<DatabaseSchema>,
    private readonly closing: ClosingStatements,
  ) {}

  /** What the user has, of all rooms, without what was deleted. Meaningful while the account is locked, see `AccountTransactor.lock`. */
  async usage(userId: UserId): Promise<{ entries: number; bytes: number }> {
    return this.transaction
      .selectFrom('account_data')
      .select(({ fn }) => [
        fn.countAll<number>().as('entries'),
        sql<number>`coalesce(sum(octet_length(content)), 0)::bigint`.as('bytes'),
      ])
      .where('user_id', '=', userId)
      .where('content', '<>', DELETED_CONTENT)
      .executeTakeFirstOrThrow();
  }

  /** Meaningful while the account is locked, see `AccountTransactor.lock`. */
  async find(userId: UserId, roomId: RoomId | '', type: string): Promise<JsonObject | undefined> {
    const row = await this.transaction
      .selectFrom('account_data')
      .select('content')
      .where('user_id', '=', userId)
      .where('room_id', '=', roomId)
      .where('type', '=', type)
      .where('content', '<>', DELETED_CONTENT)
      .executeTakeFirst();
    return row && (JSON.parse(row.content) as JsonObject);
  }

  /**
   * Replaces an entry; `roomId` is '' for global data. The content is written, and its row locked, before the lane is
   * taken; the position follows in the closing message.
   * @returns the position that the entry has after the commit, as `at(0)`
   */
  async put(userId: UserId, roomId: RoomId | '', type: string, content: JsonObject): Promise<TakenPositions> {
    const json = JSON.stringify(content);
    await this.transaction
      .insertInto('account_data')
      .values({ user_id: userId, room_id: roomId, type, content: json, position: 0 })
      .onConflict((conflict) =>
        conflict.columns(['user_id', 'room_id', 'type']).doUpdateSet({ content: json }),
      )
      .execute();
    return this.place(userId, roomId, type);
  }

  /**
   * Deletes an entry; what is left of it tells syncs. Meaningful while the account is locked, see `AccountTransactor.lock`.
   * @returns as `put`, or undefined when there is no such entry
   */
  async delete(userId: UserId, roomId: RoomId | '', type: string): Promise<TakenPositions | undefined> {
    await this.forgetDeletions(userId, MAX_DELETIONS - 1);
    const { numUpdatedRows } = await this.transaction
      .updateTable('account_data')
      .set({ content: DELETED_CONTENT })
      .where('user_id', '=', userId)
      .where('room_id', '=', roomId)
      .where('type', '=', type)
      .where('content', '<>', DELETED_CONTENT)
      .executeTakeFirst();
    return numUpdatedRows > 0n ? this.place(userId, roomId, type) : undefined;
  }

  /** Removes what is left of all but the newest deletions. */
  private async forgetDeletions(userId: UserId, kept: number): Promise<void> {
    const deleted = this.transaction
      .selectFrom('account_data')
      .select('position')
      .where('user_id', '=', userId)
      .where('content', '=', DELETED_CONTENT)
      .orderBy('position', 'desc')
      .offset(kept)
      .limit(1);
    await this.transaction
      .deleteFrom('account_data')
      .where('user_id', '=', userId)
      .where('content', '=', DELETED_CONTENT)
      .where('position', '<=', deleted)
      .execute();
  }

  private place(userId: UserId, roomId: RoomId | '', type: string): TakenPositions {
    const positions = this.closing.take('account_data', 1);
    this.closing.add(
      this.transaction
        .updateTable('account_data')
        .set({ position: positions.sql(0) })
        .where('user_id', '=', userId)
        .where('room_id', '=', roomId)
        .where('type', '=', type),
    );
    return positions;
  }
}
