import { roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, RouteSettings, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Post } from '@nestjs/common';
import { UpgradeRoomHandler } from './upgrade-room.handler.js';
import { type UpgradeRoomBody, upgradeRoomSchema } from './upgrade-room.schema.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidupgrade */
@Controller('_matrix/client/v3/rooms/:roomId/upgrade')
@RateLimited('create-room')
export class UpgradeRoomController {
  constructor(private readonly handler: UpgradeRoomHandler) {}

  /** Rooms with many bans take a while; the upgrade goes on when the client has gone. */
  @Post()
  @AccessToken()
  @RouteSettings({ longPoll: true })
  async upgradeRoom(
    @Requester() { userId }: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Body({ schema: upgradeRoomSchema }) body: UpgradeRoomBody,
  ): Promise<JsonObject> {
    return { replacement_room: await this.handler.handle(userId, roomId, body) };
  }
}
