import { roomIdSchema } from '@atoll/contract';
import { AliasReader } from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { forbidden, type JsonObject, type RoomId } from '@atoll/matrix';
import { Controller, Get, Param } from '@nestjs/common';
import { RoomAccess } from '../access/room-access.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidaliases */
@Controller('_matrix/client/v3/rooms/:roomId/aliases')
@RateLimited('lookup')
export class GetLocalAliasesController {
  constructor(
    private readonly access: RoomAccess,
    private readonly aliases: AliasReader,
  ) {}

  /** @throws MatrixError 403 for who is not in the room now, unless everybody may read it */
  @Get()
  @AccessToken()
  async getLocalAliases(
    @Requester() { userId }: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
  ): Promise<JsonObject> {
    const { room, until } = await this.access.readable(userId, roomId);
    if (until !== undefined) throw forbidden('You are not in this room');
    return { aliases: await this.aliases.aliasesOf(room.roomNid) };
  }
}
