import { roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Post } from '@nestjs/common';
import { type TargetBody, targetBodySchema } from '../membership/member-schemas.js';
import { TargetAction } from '../membership/target-action.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidkick */
@Controller('_matrix/client/v3/rooms/:roomId/kick')
@RateLimited('moderation')
export class KickController {
  constructor(private readonly action: TargetAction) {}

  @Post()
  @AccessToken()
  kick(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Body({ schema: targetBodySchema }) body: TargetBody,
  ): Promise<JsonObject> {
    return this.action.run('kick', requester.userId, roomId, body);
  }
}
