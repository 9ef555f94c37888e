import { DeviceReader } from '@atoll/database';
import { AccessToken, optionalBody, Requester, type UserRequester } from '@atoll/http';
import { type JsonObject, notFound } from '@atoll/matrix';
import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import type { z } from 'zod';
import { DeviceChanges } from '../auth/device-changes.js';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';
import {
  type DehydratedDeviceBody,
  dehydratedDeviceSchema,
  eventsSchema,
  pageSchema,
} from './dehydrated-device.schemas.js';
import { DehydratedEvents } from './dehydrated-events.js';
import { PutDehydratedDeviceHandler } from './put-dehydrated-device.handler.js';

const noDevice = () => notFound('There is no dehydrated device');

/** @see https://github.com/matrix-org/matrix-spec-proposals/pull/3814 */
@Controller('/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device')
@AccessToken()
@RateLimited('keys')
export class DehydratedDeviceController {
  constructor(
    private readonly devices: DeviceReader,
    private readonly handler: PutDehydratedDeviceHandler,
    private readonly changes: DeviceChanges,
    private readonly events: DehydratedEvents,
  ) {}

  @Put()
  async put(
    @Requester() { userId }: UserRequester,
    @Body({ schema: dehydratedDeviceSchema }) body: DehydratedDeviceBody,
  ) {
    await this.handler.put(userId, body);
    return { device_id: body.device_id };
  }

  @Get()
  async get(@Requester() { userId }: UserRequester) {
    const device = await this.devices.dehydratedOf(userId);
    if (!device) throw noDevice();
    return { device_id: device.deviceId, device_data: JSON.parse(device.data) as JsonObject };
  }

  @Delete()
  async delete(@Requester() { userId }: UserRequester) {
    const deviceId = await this.changes.transact(({ devices }) => devices.deleteDehydrated(userId));
    if (deviceId === undefined) throw noDevice();
    return { device_id: deviceId };
  }

  /**
   * The proposal's clients page by `next_batch` until an answer has no events. matrix-js-sdk pages by `from`, and goes on for as long as there
   * is a `next_batch`.
   */
  @Get(':deviceId/events')
  async getEvents(
    @Requester() { userId }: UserRequester,
    @Param('deviceId') deviceId: string,
    @Query({ schema: pageSchema }) { next_batch, from }: z.output<typeof pageSchema>,
  ) {
    const { events, upTo, isLast } = await this.events.after(userId, deviceId, next_batch ?? from);
    return isLast && next_batch === undefined ? { events } : { events, next_batch: String(upTo) };
  }

  /** Clients ask by POST, as an earlier draft of the proposal said. */
  @Post(':deviceId/events')
  @HttpCode(200)
  async postEvents(
    @Requester() { userId }: UserRequester,
    @Param('deviceId') deviceId: string,
    @Body({ schema: optionalBody(eventsSchema) }) { next_batch }: z.output<typeof eventsSchema>,
  ) {
    const { events, upTo } = await this.events.after(userId, deviceId, next_batch);
    return { events, next_batch: String(upTo) };
  }
}
