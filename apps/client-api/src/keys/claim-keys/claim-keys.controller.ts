import { userIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { DeviceId, JsonObject, UserId } from '@atoll/matrix';
import { Body, Controller, Post } from '@nestjs/common';
import { z } from 'zod';
import { textSchema } from '../../auth/text.schema.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';
import { timeoutOf } from '../users-by-server.js';
import { ClaimKeysHandler } from './claim-keys.handler.js';

/** Of one request. */
const MAX_DEVICES = 5_000;

const claimKeysSchema = z.object({
  timeout: z.number().optional(),
  one_time_keys: z
    .record(userIdSchema, z.record(textSchema(255), textSchema(255)))
    .refine(
      (users) =>
        Object.values(users).reduce((sum, devices) => sum + Object.keys(devices).length, 0) <= MAX_DEVICES,
      `more than ${MAX_DEVICES} devices`,
    ),
});

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysclaim */
@Controller('/_matrix/client/v3/keys/claim')
@AccessToken({ allowGuest: true })
export class ClaimKeysController {
  constructor(private readonly handler: ClaimKeysHandler) {}

  @Post()
  @RateLimited('keys')
  claimKeys(
    @Requester() { userId: claimant }: UserRequester,
    @Body({ schema: claimKeysSchema }) { one_time_keys, timeout }: z.output<typeof claimKeysSchema>,
  ): Promise<JsonObject> {
    const wanted = Object.entries(one_time_keys).map(
      ([userId, devices]) =>
        [userId as UserId, new Map(Object.entries(devices)) as Map<DeviceId, string>] as const,
    );
    return this.handler.claim(claimant, new Map(wanted), timeoutOf(timeout));
  }
}
