import { roomIdSchema } from '@atoll/contract';
import { AccessToken, optionalBody, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomAlias, RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { roomIdOrAliasSchema } from '../directory/alias-schemas.js';
import { ResolveAlias } from '../directory/resolve-alias.js';
import { JoinRoomHandler } from './join-room.handler.js';

const joinRoomSchema = optionalBody(z.looseObject({ reason: z.string().optional() }));
export type JoinRoom = z.output<typeof joinRoomSchema> & JsonObject;

/** Joins by id, and by id or alias. Rooms that only other servers know are not found. */
@Controller('_matrix/client/v3')
export class JoinRoomController {
  constructor(
    private readonly handler: JoinRoomHandler,
    private readonly aliases: ResolveAlias,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidjoin */
  @Post('rooms/:roomId/join')
  @AccessToken()
  joinRoomById(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Body({ schema: joinRoomSchema }) body: JoinRoom,
  ): Promise<JsonObject> {
    return this.handler.handle(requester.userId, roomId, body);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3joinroomidoralias */
  @Post('join/:roomIdOrAlias')
  @AccessToken()
  async joinRoom(
    @Requester() requester: UserRequester,
    @Param('roomIdOrAlias', { schema: roomIdOrAliasSchema }) idOrAlias: RoomId | RoomAlias,
    @Body({ schema: joinRoomSchema }) body: JoinRoom,
  ): Promise<JsonObject> {
    return this.handler.handle(requester.userId, await this.aliases.roomId(idOrAlias), body);
  }
}
