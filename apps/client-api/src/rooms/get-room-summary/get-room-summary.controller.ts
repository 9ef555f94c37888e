import { roomAliasSchema, roomIdSchema } from '@atoll/contract';
import { OptionalAccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomAlias, RoomId } from '@atoll/matrix';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { type Via, viaSchema } from '../membership/via-schema.js';
import { GetRoomSummaryHandler } from './get-room-summary.handler.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

const roomIdOrAliasSchema = z.union([roomIdSchema, roomAliasSchema]);

/**
 * Also by the paths from before the specification (MSC3266): clients take those where v1.15 is not announced.
 * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1room_summaryroomidoralias
 */
@OptionalAccessToken()
@Controller([
  '_matrix/client/v1/room_summary/:roomIdOrAlias',
  '_matrix/client/unstable/im.nheko.summary/summary/:roomIdOrAlias',
  '_matrix/client/unstable/im.nheko.summary/rooms/:roomIdOrAlias/summary',
])
@RateLimited('lookup')
export class GetRoomSummaryController {
  constructor(private readonly handler: GetRoomSummaryHandler) {}

  @Get()
  getRoomSummary(
    @Requester() requester: UserRequester | undefined,
    @Param('roomIdOrAlias', { schema: roomIdOrAliasSchema }) roomIdOrAlias: RoomId | RoomAlias,
    @Query({ schema: viaSchema }) via: Via,
  ): Promise<JsonObject> {
    return this.handler.handle(requester?.userId, roomIdOrAlias, via);
  }
}
