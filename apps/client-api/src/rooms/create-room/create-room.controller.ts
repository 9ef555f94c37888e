import { AccessToken, optionalBody, Requester, RouteSettings, type UserRequester } from '@atoll/http';
import type { JsonObject } from '@atoll/matrix';
import { Body, Controller, Post } from '@nestjs/common';
import { CreateRoomHandler } from './create-room.handler.js';
import { type CreateRoomBody, createRoomSchema } from './create-room.schema.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3createroom */
@Controller('_matrix/client/v3/createRoom')
@RateLimited('create-room')
export class CreateRoomController {
  constructor(private readonly handler: CreateRoomHandler) {}

  /** Users of other servers are invited before the answer: it may take as long as their servers do. */
  @Post()
  @AccessToken()
  @RouteSettings({ longPoll: true })
  async createRoom(
    @Requester() { userId }: UserRequester,
    @Body({ schema: optionalBody(createRoomSchema) }) body: CreateRoomBody,
  ): Promise<JsonObject> {
    return { room_id: await this.handler.handle(userId, body) };
  }
}
