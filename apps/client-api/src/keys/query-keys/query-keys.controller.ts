import { userIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { DeviceId, UserId } from '@atoll/matrix';
import { Body, Controller, Header, Post } from '@nestjs/common';
import { z } from 'zod';
import { textSchema } from '../../auth/text.schema.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';
import { timeoutOf } from '../users-by-server.js';
import { QueryKeysHandler } from './query-keys.handler.js';

/** Of one request; clients ask for some hundreds. */
const MAX_USERS = 1_000;

const queryKeysSchema = z.object({
  timeout: z.number().optional(),
  device_keys: z
    .record(userIdSchema, z.array(textSchema(255)))
    .refine((users) => Object.keys(users).length <= MAX_USERS, `more than ${MAX_USERS} users`),
});

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3keysquery */
@Controller('/_matrix/client/v3/keys/query')
@AccessToken({ allowGuest: true })
export class QueryKeysController {
  constructor(private readonly handler: QueryKeysHandler) {}

  @Post()
  @RateLimited('keys')
  @Header('content-type', 'application/json')
  queryKeys(
    @Requester() { userId }: UserRequester,
    @Body({ schema: queryKeysSchema }) { device_keys, timeout }: z.output<typeof queryKeysSchema>,
  ): Promise<string> {
    const users = new Map(Object.entries(device_keys) as [UserId, DeviceId[]][]);
    return this.handler.query(userId, users, timeoutOf(timeout));
  }
}
