import { roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Post } from '@nestjs/common';
import { type ReasonBody, reasonBodySchema } from '../membership/member-schemas.js';
import { TargetAction } from '../membership/target-action.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidleave */
@Controller('_matrix/client/v3/rooms/:roomId/leave')
export class LeaveRoomController {
  constructor(private readonly action: TargetAction) {}

  @Post()
  @AccessToken({ allowGuest: true })
  leaveRoom(
    @Requester() { userId }: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Body({ schema: reasonBodySchema }) body: ReasonBody,
  ): Promise<JsonObject> {
    return this.action.run('leave', userId, roomId, { ...body, user_id: userId });
  }
}
