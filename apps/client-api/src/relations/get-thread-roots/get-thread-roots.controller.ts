import { roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';
import { GetThreadRootsHandler } from './get-thread-roots.handler.js';

const DEFAULT_LIMIT = 20;
const MAX_LIMIT = 100;

export const getThreadRootsSchema = z.object({
  include: z.enum(['all', 'participated']).default('all'),
  limit: z.coerce
    .number()
    .int()
    .positive()
    .default(DEFAULT_LIMIT)
    .transform((limit) => Math.min(limit, MAX_LIMIT)),
  from: z.string().optional(),
});
export type GetThreadRoots = z.output<typeof getThreadRootsSchema>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidthreads */
@Controller('_matrix/client/v1/rooms/:roomId/threads')
@RateLimited('lookup')
export class GetThreadRootsController {
  constructor(private readonly handler: GetThreadRootsHandler) {}

  @Get()
  @AccessToken()
  getThreadRoots(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Query({ schema: getThreadRootsSchema }) query: GetThreadRoots,
  ): Promise<JsonObject> {
    return this.handler.handle(requester, roomId, query);
  }
}
