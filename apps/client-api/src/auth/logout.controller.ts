import { type Database, DeviceTransactor } from '@atoll/database';
import { AccessToken, Requester } from '@atoll/http';
import { Controller, Inject, Post } from '@nestjs/common';
import { DATABASE } from '../platform/tokens.js';
import type { RequesterInfo } from './requester-info.js';

/** Logging out deletes the device, and its tokens with it. */
@Controller('/_matrix/client/v3/logout')
@AccessToken({ allowGuest: true })
export class LogoutController {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  @Post()
  async logout(@Requester() { userId, deviceId }: RequesterInfo) {
    await this.transact((devices) => devices.deleteDevices(userId, [deviceId]));
    return {};
  }

  @Post('all')
  async logoutAll(@Requester() { userId }: RequesterInfo) {
    await this.transact((devices) => devices.deleteAllDevices(userId));
    return {};
  }

  private transact(work: (devices: DeviceTransactor) => Promise<void>): Promise<void> {
    return this.database.db.transaction().execute((trx) => work(new DeviceTransactor(trx)));
  }
}
