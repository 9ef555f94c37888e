import { DeviceReader } from '@atoll/database';
import { unknownToken } from '@atoll/http';
import { Injectable } from '@nestjs/common';
import type { SyncingDevice } from './rooms/sent-members.js';

/** Whoever has logged out while waiting learns nothing more. */
@Injectable()
export class LoginCheck {
  constructor(private readonly devices: DeviceReader) {}

  /** @throws {MatrixError} 401 when the device is gone */
  async assertLoggedIn({ userId, deviceId }: SyncingDevice): Promise<void> {
    if (deviceId !== undefined && !(await this.devices.find(userId, deviceId))) throw unknownToken();
  }
}
