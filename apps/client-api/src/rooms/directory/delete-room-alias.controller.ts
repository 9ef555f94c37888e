import { roomAliasSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomAlias } from '@atoll/matrix';
import { Controller, Delete, Param } from '@nestjs/common';
import { DeleteRoomAliasHandler } from './delete-room-alias.handler.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#delete_matrixclientv3directoryroomroomalias */
@Controller('_matrix/client/v3/directory/room/:roomAlias')
export class DeleteRoomAliasController {
  constructor(private readonly handler: DeleteRoomAliasHandler) {}

  @Delete()
  @AccessToken()
  async deleteRoomAlias(
    @Requester() { userId }: UserRequester,
    @Param('roomAlias', { schema: roomAliasSchema }) alias: RoomAlias,
  ): Promise<JsonObject> {
    await this.handler.handle(userId, alias);
    return {};
  }
}
