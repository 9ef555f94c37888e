import { AccessToken, Requester } from '@atoll/http';
import { Controller, Post } from '@nestjs/common';
import { DeviceChanges } from './device-changes.js';
import type { RequesterInfo } from './requester-info.js';

/** Logging out deletes the device, and its tokens with it. */
@Controller('/_matrix/client/v3/logout')
@AccessToken()
export class LogoutController {
  constructor(private readonly changes: DeviceChanges) {}

  @Post()
  async logout(@Requester() { userId, deviceId }: RequesterInfo) {
    await this.changes.transact(({ devices }) => devices.deleteDevices(userId, [deviceId]));
    return {};
  }

  @Post('all')
  async logoutAll(@Requester() { userId }: RequesterInfo) {
    await this.changes.transact(({ devices }) => devices.deleteAllDevices(userId));
    return {};
  }
}
