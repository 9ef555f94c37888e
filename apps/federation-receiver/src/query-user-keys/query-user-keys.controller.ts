import { userIdSchema } from '@atoll/contract';
import { DeviceKeyReader } from '@atoll/database';
import { FederationSignature } from '@atoll/http';
import { isDeviceId, type JsonObject, serverNameOf, type UserId } from '@atoll/matrix';
import { Body, Controller, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { OWN_SERVER_NAME } from '../room-access/own-server-name.js';
import { notOurUser } from './not-our-user.js';

/** Of one request. */
const MAX_USERS = 1_000;

const bodySchema = z.object({
  device_keys: z
    .record(userIdSchema, z.array(z.string()))
    .refine((users) => Object.keys(users).length <= MAX_USERS, `more than ${MAX_USERS} users`),
});

/** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1userkeysquery */
@FederationSignature()
@Controller('_matrix/federation/v1/user/keys/query')
export class QueryUserKeysController {
  constructor(
    private readonly keys: DeviceKeyReader,
    @Inject(OWN_SERVER_NAME) private readonly serverName: string,
  ) {}

  /** Users who are not there have no devices. */
  @Post()
  @HttpCode(200)
  async queryUserKeys(
    @Body({ schema: bodySchema }) { device_keys: wanted }: z.output<typeof bodySchema>,
  ): Promise<JsonObject> {
    const userIds = Object.keys(wanted) as UserId[];
    if (userIds.some((userId) => serverNameOf(userId) !== this.serverName)) throw notOurUser();
    const [devices, keys] = await Promise.all([
      this.keys.devicesOf(userIds, undefined),
      this.keys.crossSigningKeysOf(userIds, undefined),
    ]);
    const byUser = Map.groupBy(devices, ({ userId }) => userId);
    const told = userIds.map((userId): [UserId, JsonObject] => {
      const named = (wanted[userId] ?? []).filter(isDeviceId);
      const ofUser = (byUser.get(userId) ?? []).filter(
        ({ deviceId }) => (wanted[userId] ?? []).length === 0 || named.includes(deviceId),
      );
      const entries = ofUser.map(({ deviceId, displayName, keys: deviceKeys }) => {
        const unsigned = displayName !== null && { unsigned: { device_display_name: displayName } };
        return [deviceId, { ...deviceKeys, ...unsigned }];
      });
      return [userId, Object.fromEntries(entries) as JsonObject];
    });
    const ofUsage = (usage: string) =>
      Object.fromEntries(keys.filter((key) => key.usage === usage).map(({ userId, key }) => [userId, key]));
    return {
      device_keys: Object.fromEntries(told),
      master_keys: ofUsage('master'),
      self_signing_keys: ofUsage('self_signing'),
    };
  }
}
