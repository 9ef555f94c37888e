import type { DeviceId, UserId } from '@atoll/matrix';
import type { Transaction } from 'kysely';
import { anyOf } from '../any-of.js';
import type { DatabaseSchema } from '../schema/database-schema.js';

export interface DeviceOfLogin {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
  /** Kept only when the device is new. */
  readonly initialDisplayName: string | null;
  readonly ip: string | null;
}

/** Writes the devices of local users. */
export class DeviceTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /**
   * Makes the device, or takes up the one with this id again: the tokens that it had are revoked.
   * @see https://spec.matrix.org/v1.19/client-server-api/#relationship-between-access-tokens-and-devices
   */
  async logIn({ userId, deviceId, initialDisplayName, ip }: DeviceOfLogin): Promise<void> {
    const seen = { last_seen_ip: ip, last_seen_ts: Date.now() };
    await this.transaction
      .insertInto('devices')
      .values({ user_id: userId, device_id: deviceId, display_name: initialDisplayName, ...seen })
      .onConflict((conflict) => conflict.columns(['user_id', 'device_id']).doUpdateSet(seen))
      .execute();
    await this.transaction
      .deleteFrom('access_tokens')
      .where('user_id', '=', userId)
      .where('device_id', '=', deviceId)
      .execute();
  }

  async count(userId: UserId): Promise<number> {
    const { count } = await this.transaction
      .selectFrom('devices')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('user_id', '=', userId)
      .executeTakeFirstOrThrow();
    return count;
  }

  /** False when the user has no such device. */
  async rename(userId: UserId, deviceId: DeviceId, displayName: string): Promise<boolean> {
    const { numUpdatedRows } = await this.transaction
      .updateTable('devices')
      .set({ display_name: displayName })
      .where('user_id', '=', userId)
      .where('device_id', '=', deviceId)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
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
   * deletion, password change and deactivation come here. Tokens go with the device row (foreign key).
   */
  async deleteDevices(userId: UserId, deviceIds: readonly DeviceId[]): Promise<void> {
    await this.transaction
      .deleteFrom('devices')
      .where('user_id', '=', userId)
      .where('device_id', '=', anyOf(deviceIds))
      .execute();
  }

  /** Deletes every device of the user but `kept`. */
  async deleteAllDevices(userId: UserId, kept?: DeviceId): Promise<void> {
    const rows = await this.transaction
      .selectFrom('devices')
      .select('device_id')
      .where('user_id', '=', userId)
      .forUpdate()
      .execute();
    await this.deleteDevices(
      userId,
      rows.map((row) => row.device_id).filter((deviceId) => deviceId !== kept),
    );
  }
}
