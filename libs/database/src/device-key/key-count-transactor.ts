import type { DeviceId, UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import type { ClosingStatements, TakenPositions } from '../closing-statements.js';
import type { DatabaseSchema } from '../schema/database-schema.js';

/** A device of a user. */
export interface DeviceOfUser {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
}

/** Writes the `key_counts` stream, of devices of this server. */
export class KeyCountTransactor {
  constructor(
    private readonly transaction: Transaction<DatabaseSchema>,
    private readonly closing: ClosingStatements,
  ) {}

  /**
   * How many keys there are to claim has changed for these devices. Rows are locked in one order, before the lane is taken; once per
   * transaction.
   * @returns the position that all of them have after the commit, as `at(0)`; undefined without devices
   */
  async markChanged(devices: readonly DeviceOfUser[]): Promise<TakenPositions | undefined> {
    if (devices.length === 0) return undefined;
    await sql`
      INSERT INTO key_counts (user_id, device_id, position)
      SELECT user_id, device_id, 0 FROM unnest(${devices.map(({ userId }) => userId)}::text[],
        ${devices.map(({ deviceId }) => deviceId)}::text[]) AS d (user_id, device_id)
      ORDER BY user_id COLLATE "C", device_id COLLATE "C"
      ON CONFLICT (user_id, device_id) DO UPDATE SET position = key_counts.position`.execute(
      this.transaction,
    );
    const positions = this.closing.take('key_counts', 1);
    // As one statement and one literal: everybody else waits for the lane meanwhile.
    this.closing.add(sql`
      UPDATE key_counts AS k SET position = ${positions.sql(0)}
      FROM json_to_recordset(${JSON.stringify(devices)}) AS d ("userId" text, "deviceId" text)
      WHERE k.user_id = d."userId" AND k.device_id = d."deviceId"`);
    return positions;
  }
}
