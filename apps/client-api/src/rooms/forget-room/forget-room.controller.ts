import { roomIdSchema } from '@atoll/contract';
import { ForgottenRoomTransactor, RoomReader } from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { type JsonObject, MatrixError, notFound, type RoomId } from '@atoll/matrix';
import { Controller, Param, Post } from '@nestjs/common';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

const STILL_THERE = ['join', 'invite', 'knock'];

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidforget */
@Controller('_matrix/client/v3/rooms/:roomId/forget')
@RateLimited('leave')
export class ForgetRoomController {
  constructor(
    private readonly rooms: RoomReader,
    private readonly forgotten: ForgottenRoomTransactor,
  ) {}

  /** @throws MatrixError 400 while the user still is something in the room, 404 for a room never seen */
  @Post()
  @AccessToken()
  async forgetRoom(
    @Requester() { userId }: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
  ): Promise<JsonObject> {
    const room = await this.rooms.byId(roomId);
    const record = room && (await this.rooms.membershipOf(userId, room.roomNid));
    if (record === undefined) throw notFound('You have never been in this room');
    if (STILL_THERE.includes(record.membership))
      throw new MatrixError(400, 'M_UNKNOWN', 'Leave the room first');
    await this.forgotten.forget(userId, record.roomNid);
    return {};
  }
}
