import type { DeviceId, UserId } from '@atoll/matrix';
import type { Selectable } from 'kysely';
import type { Database } from '../open-database.js';
import type { DevicesTable } from '../schema/account.table.js';

export type Device = Selectable<DevicesTable>;

/** Reads the devices of local users. */
export class DeviceReader {
  constructor(private readonly database: Database) {}

  async devicesOf(userId: UserId): Promise<Device[]> {
    return this.database.db
      .selectFrom('devices')
      .selectAll()
      .where('user_id', '=', userId)
      .orderBy('device_id')
      .execute();
  }

  /** The device of the user that nobody is logged in with; `data` is JSON. */
  async dehydratedOf(userId: UserId): Promise<{ deviceId: DeviceId; data: string } | undefined> {
    return this.database.db
      .selectFrom('dehydrated_devices')
      .select(['device_id as deviceId', 'device_data as data'])
      .where('user_id', '=', userId)
      .executeTakeFirst();
  }

  async find(userId: UserId, deviceId: DeviceId): Promise<Device | undefined> {
    return this.database.db
      .selectFrom('devices')
      .selectAll()
      .where('user_id', '=', userId)
      .where('device_id', '=', deviceId)
      .executeTakeFirst();
  }
}
