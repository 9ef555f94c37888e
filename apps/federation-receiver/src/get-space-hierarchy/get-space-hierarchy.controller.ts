import { FederationSignature, Requester } from '@atoll/http';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import type { FederationRequester } from '../authentication/federation.authenticator.js';
import { type RoomParams, roomParamsSchema } from '../room-access/room-query.schema.js';
import { GetSpaceHierarchyHandler } from './get-space-hierarchy.handler.js';

const querySchema = z.object({ suggested_only: z.enum(['true', 'false']).default('false') });

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1hierarchyroomid */
@FederationSignature()
@Controller('_matrix/federation/v1/hierarchy/:roomId')
export class GetSpaceHierarchyController {
  constructor(private readonly handler: GetSpaceHierarchyHandler) {}

  @Get()
  getSpaceHierarchy(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: roomParamsSchema }) { roomId }: RoomParams,
    @Query({ schema: querySchema }) { suggested_only }: z.output<typeof querySchema>,
  ) {
    return this.handler.handle(origin, roomId, suggested_only === 'true');
  }
}
