import { roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, RouteSettings, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Post } from '@nestjs/common';
import { type ReasonBody, reasonBodySchema } from '../membership/member-schemas.js';
import { TargetAction } from '../membership/target-action.js';
import { ViaServers } from '../membership/via-servers.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidleave */
@Controller('_matrix/client/v3/rooms/:roomId/leave')
@RateLimited('leave')
export class LeaveRoomController {
  constructor(
    private readonly via: ViaServers,
    private readonly action: TargetAction,
  ) {}

  /** The invite of a room that this server is not in is rejected by way of the servers that know the room. */
  @Post()
  @AccessToken({ allowGuest: true })
  @RouteSettings({ longPoll: true })
  async leaveRoom(
    @Requester() { userId }: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Body({ schema: reasonBodySchema }) body: ReasonBody,
  ): Promise<JsonObject> {
    const via = await this.via.of(userId, roomId);
    return this.action.run('leave', userId, roomId, { ...body, user_id: userId }, { via });
  }
}
