import { currentPositions, type Database, DeviceReader } from '@atoll/database';
import { forbidden, type UserId } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../platform/tokens.js';
import { DeviceInbox } from '../sync/device-inbox.js';

/** The inbox of a dehydrated device. Reading deletes nothing, so that a client which fails half-way leaves it to the next. */
@Injectable()
export class DehydratedEvents {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly devices: DeviceReader,
    private readonly inbox: DeviceInbox,
  ) {}

  /** @throws MatrixError 403 M_FORBIDDEN when that is not the user's dehydrated device */
  async after(userId: UserId, deviceId: string, since = 0) {
    const device = await this.devices.dehydratedOf(userId);
    if (device?.deviceId !== deviceId) throw forbidden('This is not the dehydrated device');
    const { to_device: to } = await currentPositions(this.database.db);
    const { events, upTo } = await this.inbox.next({ userId, deviceId: device.deviceId }, since, to);
    return { events, upTo, isLast: upTo >= to };
  }
}
