import { roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { GetSpaceHierarchyHandler } from './get-space-hierarchy.handler.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;
const MAX_DEPTH = 10;

const querySchema = z.object({
  suggested_only: z.enum(['true', 'false']).default('false'),
  limit: z.coerce
    .number()
    .int()
    .positive()
    .default(DEFAULT_LIMIT)
    .transform((limit) => Math.min(limit, MAX_LIMIT)),
  max_depth: z.coerce
    .number()
    .int()
    .nonnegative()
    .default(MAX_DEPTH)
    .transform((depth) => Math.min(depth, MAX_DEPTH)),
  from: z.string().optional(),
});

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidhierarchy */
@AccessToken()
@Controller('_matrix/client/v1/rooms/:roomId/hierarchy')
@RateLimited('lookup')
export class GetSpaceHierarchyController {
  constructor(private readonly handler: GetSpaceHierarchyHandler) {}

  @Get()
  getSpaceHierarchy(
    @Requester() { userId }: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Query({ schema: querySchema }) query: z.output<typeof querySchema>,
  ): Promise<JsonObject> {
    const { suggested_only, max_depth, limit, from } = query;
    const suggestedOnly = suggested_only === 'true';
    return this.handler.handle(userId, { roomId, suggestedOnly, maxDepth: max_depth, limit, from });
  }
}
