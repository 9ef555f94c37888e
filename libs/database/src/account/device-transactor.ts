import type { DeviceId, UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import { anyOf } from '../any-of.js';
import type { ClosingStatements, TakenPositions } from '../closing-statements.js';
import { DeviceKeyTransactor } from '../device-key/device-key-transactor.js';
import { DeviceListTransactor } from '../device-key/device-list-transactor.js';
import type { DatabaseSchema } from '../schema/database-schema.js';

/** Of one device: more are not deleted with it, but by the sweep of old ones. */
const MAX_FORGOTTEN = 50_000;

export interface DeviceOfLogin {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** Kept only when the device is new. */
  readonly initialDisplayName: string | null;
  readonly ip: string | null;
}

export interface DehydratedDevice {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  readonly displayName: string | null;
  /** JSON object */
  readonly data: string;
  /** JSON of its identity keys. */
  readonly keys: string;
}

/** Writes the devices of local users. What others see of them is a change of their list, in the same transaction. */
export class DeviceTransactor {
  private readonly lists: DeviceListTransactor;

  constructor(
    private readonly transaction: Transaction<DatabaseSchema>,
    closing: ClosingStatements,
  ) {
    this.lists = new DeviceListTransactor(transaction, closing);
  }

  /** The position that the change of the list has after the commit, as `at(0)`; undefined while there is none. */
  get listChange(): TakenPositions | undefined {
    return this.lists.taken;
  }

  /**
   * Makes the device, or takes up the one with this id again: the tokens that it had are revoked.
   * @see https://spec.matrix.org/v1.19/client-server-api/#relationship-between-access-tokens-and-devices
   */
  async logIn({ userId, deviceId, initialDisplayName, ip }: DeviceOfLogin): Promise<void> {
    const seen = { last_seen_ip: ip, last_seen_ts: Date.now() };
    const { isNew } = await this.transaction
      .insertInto('devices')
      .values({ user_id: userId, device_id: deviceId, display_name: initialDisplayName, ...seen })
      .onConflict((conflict) => conflict.columns(['user_id', 'device_id']).doUpdateSet(seen))
      .returning(sql<boolean>`xmax = 0`.as('isNew'))
      .executeTakeFirstOrThrow();
    if (isNew) await this.lists.markChanged([userId]);
    await this.transaction
      .deleteFrom('access_tokens')
      .where('user_id', '=', userId)
      .where('device_id', '=', deviceId)
      .execute();
  }

  /**
   * Makes a device that nobody is logged in with, with its keys, in the place of the one that the user had. Meaningful while the account
   * is locked. False when another device has the id.
   */
  async putDehydrated({ userId, deviceId, displayName, data, keys }: DehydratedDevice): Promise<boolean> {
    await this.deleteDehydrated(userId);
    const row = await this.transaction
      .insertInto('devices')
      .values({
        user_id: userId,
        device_id: deviceId,
        display_name: displayName,
        last_seen_ip: null,
        last_seen_ts: Date.now(),
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('device_id')
      .executeTakeFirst();
    if (!row) return false;
    await this.transaction
      .insertInto('dehydrated_devices')
      .values({ user_id: userId, device_id: deviceId, device_data: data })
      .execute();
    // Before the mark, which logs the device as it is then.
    await new DeviceKeyTransactor(this.transaction).putDeviceKeys({ userId, deviceId }, keys);
    await this.lists.markChanged([userId]);
    return true;
  }

  /** @returns the id of the device that is gone; undefined when there was none */
  async deleteDehydrated(userId: UserId): Promise<DeviceId | undefined> {
    const row = await this.transaction
      .selectFrom('dehydrated_devices')
      .select('device_id')
      .where('user_id', '=', userId)
      .executeTakeFirst();
    if (row) await this.deleteDevices(userId, [row.device_id]);
    return row?.device_id;
  }

  async isDehydrated(userId: UserId, deviceId: DeviceId): Promise<boolean> {
    const row = await this.transaction
      .selectFrom('dehydrated_devices')
      .select('device_id')
      .where('user_id', '=', userId)
      .where('device_id', '=', deviceId)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Whether the id is the public part of one of the user's cross-signing keys. */
  async isNamedLikeKey(userId: UserId, deviceId: DeviceId): Promise<boolean> {
    const row = await this.transaction
      .selectFrom('cross_signing_keys')
      .select('usage')
      .where('user_id', '=', userId)
      .where('public_key', '=', deviceId)
      .executeTakeFirst();
    return row !== undefined;
  }

  async count(userId: UserId): Promise<number> {
    const { count } = await this.transaction
      .selectFrom('devices')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('user_id', '=', userId)
      .executeTakeFirstOrThrow();
    return count;
  }

  async rename(userId: UserId, deviceId: DeviceId, displayName: string): Promise<void> {
    const { numUpdatedRows } = await this.transaction
      .updateTable('devices')
      .set({ display_name: displayName })
      .where('user_id', '=', userId)
      .where('device_id', '=', deviceId)
      .where('display_name', 'is distinct from', displayName)
      .executeTakeFirst();
    if (numUpdatedRows > 0n) await this.lists.markChanged([userId]);
  }

  async markSeen(userId: UserId, deviceId: DeviceId, ip: string | null): Promise<void> {
    await this.transaction
      .updateTable('devices')
      .set({ last_seen_ip: ip, last_seen_ts: Date.now() })
      .where('user_id', '=', userId)
      .where('device_id', '=', deviceId)
      .execute();
  }

  /**
   * Deletes devices and all that is theirs; ids that the user does not have are passed over. The one place for it: logout,
   * deletion, password change and deactivation come here. Tokens, keys and
   * messages to the device go with its row (foreign keys).
   */
  async deleteDevices(userId: UserId, deviceIds: readonly DeviceId[]): Promise<void> {
    await this.forgetRequestsOf(userId, deviceIds);
    const deleted = await this.transaction
      .selectFrom('devices')
      .select('device_id')
      .where('user_id', '=', userId)
      .where('device_id', '=', anyOf(deviceIds))
      // In the order in which others hold them.
      .orderBy('device_id')
      .forUpdate()
      .execute();
    if (deleted.length === 0) return;
    await this.transaction
      .deleteFrom('devices')
      .where('user_id', '=', userId)
      .where('device_id', '=', anyOf(deviceIds))
      .execute();
    await this.transaction
      .deleteFrom('key_signatures')
      .where('target_user_id', '=', userId)
      .where('target_key_id', '=', anyOf<string>(deviceIds))
      .execute();
    for (const table of ['key_counts', 'claimed_one_time_keys'] as const) {
      await this.transaction
        .deleteFrom(table)
        .where('user_id', '=', userId)
        .where('device_id', '=', anyOf(deviceIds))
        .execute();
    }
    await this.lists.markChanged([userId]);
  }

  /**
   * A later device of the same id may count its transactions from the beginning. Before the devices are locked, and in the order of their keys:
   * so does who sends.
   */
  private async forgetRequestsOf(userId: UserId, deviceIds: readonly DeviceId[]): Promise<void> {
    await sql`
      DELETE FROM to_device_requests WHERE request_key IN (
        SELECT request_key FROM to_device_requests WHERE user_id = ${userId} AND device_id = ${anyOf(deviceIds)}
        ORDER BY request_key LIMIT ${sql.lit(MAX_FORGOTTEN)} FOR UPDATE)`.execute(this.transaction);
  }

  /** Deletes every device of the user but `kept`. */
  async deleteAllDevices(userId: UserId, kept?: DeviceId): Promise<void> {
    const rows = await this.transaction
      .selectFrom('devices')
      .select('device_id')
      .where('user_id', '=', userId)
      .execute();
    await this.deleteDevices(
      userId,
      rows.map((row) => row.device_id).filter((deviceId) => deviceId !== kept),
    );
  }
}
