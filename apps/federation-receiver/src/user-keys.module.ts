import { DeviceKeyReader, OutgoingDeviceReader } from '@atoll/database';
import { Announcer } from '@atoll/redis-streams';
import { type DynamicModule, Module } from '@nestjs/common';
import { ClaimUserKeysController } from './claim-user-keys/claim-user-keys.controller.js';
import { GetUserDevicesController } from './get-user-devices/get-user-devices.controller.js';
import type { Platform } from './platform.js';
import { QueryUserKeysController } from './query-user-keys/query-user-keys.controller.js';
import { OWN_SERVER_NAME } from './room-access/own-server-name.js';
import { DATABASE } from './user-keys.tokens.js';

/** Devices and keys of this server's users, for those of others. */
@Module({ controllers: [ClaimUserKeysController, GetUserDevicesController, QueryUserKeysController] })
export class UserKeysModule {
  static on({ config, database, redis }: Platform): DynamicModule {
    return {
      module: UserKeysModule,
      providers: [
        { provide: OWN_SERVER_NAME, useValue: config.serverName },
        { provide: DATABASE, useValue: database },
        { provide: Announcer, useValue: new Announcer(redis) },
        { provide: DeviceKeyReader, useValue: new DeviceKeyReader(database) },
        { provide: OutgoingDeviceReader, useValue: new OutgoingDeviceReader(database) },
      ],
    };
  }
}
