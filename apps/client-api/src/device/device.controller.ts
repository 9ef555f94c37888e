import { type Device, DeviceReader } from '@atoll/database';
import { AccessToken, Requester, optionalBody } from '@atoll/http';
import { type DeviceId, notFound } from '@atoll/matrix';
import { Body, Controller, Delete, Get, Ip, Param, Post, Put } from '@nestjs/common';
import { z } from 'zod';
import { DeviceChanges } from '../auth/device-changes.js';
import type { RequesterInfo } from '../auth/requester-info.js';
import { deviceIdSchema, displayNameOfDeviceSchema } from '../auth/text.schema.js';
import { UserInteractiveAuth, authSchema } from '../auth/uia/user-interactive-auth.js';

/** Ids of no device are no error here: there simply is no such device. */
const params = z.object({ deviceId: z.string() }).transform(({ deviceId }) => {
  return { deviceId: deviceIdSchema.safeParse(deviceId).data };
});
type Params = z.output<typeof params>;
const renameSchema = z.object({ display_name: displayNameOfDeviceSchema.optional() });
const deleteSchema = optionalBody(z.object({ auth: authSchema }));
const deleteManySchema = z.object({ auth: authSchema, devices: z.array(z.string()).max(1000) });

const noSuchDevice = () => notFound('No device with this id');

/** @see https://spec.matrix.org/v1.19/client-server-api/#device-management */
@Controller('/_matrix/client/v3')
@AccessToken()
export class DeviceController {
  constructor(
    private readonly changes: DeviceChanges,
    private readonly devices: DeviceReader,
    private readonly authentication: UserInteractiveAuth,
  ) {}

  @Get('devices')
  @AccessToken({ allowGuest: true })
  async getDevices(@Requester() { userId }: RequesterInfo) {
    return { devices: (await this.devices.devicesOf(userId)).map(toBody) };
  }

  @Get('devices/:deviceId')
  @AccessToken({ allowGuest: true })
  async getDevice(@Requester() { userId }: RequesterInfo, @Param({ schema: params }) { deviceId }: Params) {
    const device = deviceId && (await this.devices.find(userId, deviceId));
    if (!device) throw noSuchDevice();
    return toBody(device);
  }

  @Put('devices/:deviceId')
  @AccessToken({ allowGuest: true })
  async updateDevice(
    @Requester() { userId }: RequesterInfo,
    @Param({ schema: params }) { deviceId }: Params,
    @Body({ schema: renameSchema }) { display_name: name }: z.output<typeof renameSchema>,
  ) {
    if (!deviceId || !(await this.devices.find(userId, deviceId))) throw noSuchDevice();
    if (name !== undefined)
      await this.changes.transact(({ devices }) => devices.rename(userId, deviceId, name));
    return {};
  }

  @Delete('devices/:deviceId')
  async deleteDevice(
    @Requester() { userId }: RequesterInfo,
    @Param({ schema: params }) { deviceId }: Params,
    @Body({ schema: deleteSchema }) { auth }: z.output<typeof deleteSchema>,
    @Ip() ip: string,
  ) {
    const operation = `delete-device ${userId} ${deviceId ?? ''}`;
    await this.authentication.require({ operation, flows: [['m.login.password']], auth, userId, ip });
    if (deviceId) await this.changes.transact(({ devices }) => devices.deleteDevices(userId, [deviceId]));
    return {};
  }

  @Post('delete_devices')
  async deleteDevices(
    @Requester() { userId }: RequesterInfo,
    @Body({ schema: deleteManySchema }) { auth, devices: named }: z.output<typeof deleteManySchema>,
    @Ip() ip: string,
  ) {
    const operation = `delete-devices ${userId}`;
    await this.authentication.require({ operation, flows: [['m.login.password']], auth, userId, ip });
    const deviceIds = named.filter((id): id is DeviceId => deviceIdSchema.safeParse(id).success);
    await this.changes.transact(({ devices }) => devices.deleteDevices(userId, deviceIds));
    return {};
  }
}

function toBody(device: Device) {
  return {
    device_id: device.device_id,
    ...(device.display_name !== null && { display_name: device.display_name }),
    ...(device.last_seen_ip !== null && { last_seen_ip: device.last_seen_ip }),
    last_seen_ts: device.last_seen_ts,
  };
}
