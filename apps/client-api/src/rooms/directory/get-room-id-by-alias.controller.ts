import { roomAliasSchema } from '@atoll/contract';
import { Public } from '@atoll/http';
import type { JsonObject, RoomAlias } from '@atoll/matrix';
import { Controller, Get, Param } from '@nestjs/common';
import { ResolveAlias } from './resolve-alias.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3directoryroomroomalias */
@Controller('_matrix/client/v3/directory/room/:roomAlias')
@RateLimited('lookup')
export class GetRoomIdByAliasController {
  constructor(private readonly aliases: ResolveAlias) {}

  @Get()
  @Public()
  async getRoomIdByAlias(
    @Param('roomAlias', { schema: roomAliasSchema }) alias: RoomAlias,
  ): Promise<JsonObject> {
    const { roomId, servers } = await this.aliases.get(alias);
    return { room_id: roomId, servers: [...servers] };
  }
}
