import type { UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import type { ClosingStatements, TakenPositions } from '../closing-statements.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { logDeviceChanges, placeDeviceChanges } from './device-change-log.js';

/** Writes the `device_lists` stream, of users of this server and of others. One for each transaction. */
export class DeviceListTransactor {
  #taken: TakenPositions | undefined;

  constructor(
    private readonly transaction: Transaction<DatabaseSchema>,
    private readonly closing: ClosingStatements,
  ) {}

  /** The position that all the changes have after the commit, as `at(0)`; undefined while there are none. */
  get taken(): TakenPositions | undefined {
    return this.#taken;
  }

  /**
   * The devices or keys of these users changed, for everybody who shares a room with them and for themselves, or for one user alone. Rows
   * are locked in one order, before the lane is taken.
   * @returns as `taken`
   */
  async markChanged(
    userIds: readonly UserId[],
    seenBy: UserId | '' = '',
  ): Promise<TakenPositions | undefined> {
    const sorted = [...new Set(userIds)].toSorted((a, b) => (a < b ? -1 : 1));
    if (sorted.length === 0) return this.#taken;
    await sql`
      INSERT INTO device_lists (user_id, seen_by, position)
      SELECT user_id, ${seenBy}, 0 FROM unnest(${sorted}::text[]) AS user_id ORDER BY user_id
      ON CONFLICT (user_id, seen_by) DO UPDATE SET position = device_lists.position`.execute(
      this.transaction,
    );
    if (seenBy === '') await logDeviceChanges(this.transaction, sorted);
    this.#taken ??= this.closing.take('device_lists', 1);
    this.closing.add(
      this.transaction
        .updateTable('device_lists')
        .set({ position: this.#taken.sql(0) })
        .where('seen_by', '=', seenBy)
        .where('user_id', 'in', sorted),
    );
    if (seenBy === '') this.closing.add(placeDeviceChanges(this.transaction, sorted, this.#taken));
    return this.#taken;
  }
}
