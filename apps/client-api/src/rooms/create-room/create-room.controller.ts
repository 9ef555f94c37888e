import { AccessToken, optionalBody, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject } from '@atoll/matrix';
import { Body, Controller, Post } from '@nestjs/common';
import { CreateRoomHandler } from './create-room.handler.js';
import { type CreateRoomBody, createRoomSchema } from './create-room.schema.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom */
@Controller('_matrix/client/v3/createRoom')
export class CreateRoomController {
  constructor(private readonly handler: CreateRoomHandler) {}

  @Post()
  @AccessToken()
  async createRoom(
    @Requester() { userId }: UserRequester,
    @Body({ schema: optionalBody(createRoomSchema) }) body: CreateRoomBody,
  ): Promise<JsonObject> {
    return { room_id: await this.handler.handle(userId, body) };
  }
}
