import { userIdSchema } from '@atoll/contract';
import { DeviceKeyReader, OutgoingDeviceReader } from '@atoll/database';
import { FederationSignature } from '@atoll/http';
import { type JsonObject, serverNameOf } from '@atoll/matrix';
import { Controller, Get, Inject, Param } from '@nestjs/common';
import { z } from 'zod';
import { OWN_SERVER_NAME } from '../room-access/own-server-name.js';
import { notOurUser } from '../query-user-keys/not-our-user.js';

const paramsSchema = z.object({ userId: userIdSchema });

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1userdevicesuserid */
@FederationSignature()
@Controller('_matrix/federation/v1/user/devices/:userId')
export class GetUserDevicesController {
  constructor(
    private readonly devices: OutgoingDeviceReader,
    private readonly keys: DeviceKeyReader,
    @Inject(OWN_SERVER_NAME) private readonly serverName: string,
  ) {}

  /** Users who are not there have no devices. */
  @Get()
  async getUserDevices(
    @Param({ schema: paramsSchema }) { userId }: z.output<typeof paramsSchema>,
  ): Promise<JsonObject> {
    if (serverNameOf(userId) !== this.serverName) throw notOurUser();
    // Before the devices: a change that comes in between is told once more, and is not lost.
    const [newest] = await this.devices.newestOf([userId]);
    const [devices, keys] = await Promise.all([
      this.devices.devicesOf([userId]),
      this.keys.crossSigningKeysOf([userId], undefined),
    ]);
    const keyOf = (usage: string) => keys.find((key) => key.usage === usage)?.key;
    const [master, selfSigning] = [keyOf('master'), keyOf('self_signing')];
    return {
      user_id: userId,
      stream_id: newest?.streamId ?? 0,
      devices: devices.flatMap(({ deviceId, displayName, keys: deviceKeys }) =>
        deviceKeys === undefined
          ? []
          : {
              device_id: deviceId,
              keys: deviceKeys,
              ...(displayName !== null && { device_display_name: displayName }),
            },
      ),
      ...(master && { master_key: master }),
      ...(selfSigning && { self_signing_key: selfSigning }),
    };
  }
}
