import { roomIdSchema } from '@atoll/contract';
import { AccessToken, optionalBody, Requester, RouteSettings, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomAlias, RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { roomIdOrAliasSchema } from '../directory/alias-schemas.js';
import { ResolveAlias } from '../directory/resolve-alias.js';
import { type Via, viaSchema } from '../membership/via-schema.js';
import { JoinRoomHandler } from './join-room.handler.js';
import { thirdPartySignedSchema } from './third-party-invites.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

const joinRoomSchema = optionalBody(
  z.looseObject({ reason: z.string().optional(), third_party_signed: thirdPartySignedSchema.optional() }),
);
export type JoinRoom = z.output<typeof joinRoomSchema> & JsonObject;

/**
 * Joins by id, and by id or alias. Joining by way of other servers takes as long as they take; the join goes on when the client has
 * gone.
 */
@Controller('_matrix/client/v3')
@RateLimited('join')
export class JoinRoomController {
  constructor(
    private readonly handler: JoinRoomHandler,
    private readonly aliases: ResolveAlias,
  ) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidjoin */
  @Post('rooms/:roomId/join')
  @AccessToken({ allowGuest: true })
  @RouteSettings({ longPoll: true })
  joinRoomById(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Query({ schema: viaSchema }) via: Via,
    @Body({ schema: joinRoomSchema }) body: JoinRoom,
  ): Promise<JsonObject> {
    return this.handler.handle(requester.userId, { roomId, servers: via }, body);
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3joinroomidoralias */
  @Post('join/:roomIdOrAlias')
  @AccessToken()
  @RouteSettings({ longPoll: true })
  async joinRoom(
    @Requester() requester: UserRequester,
    @Param('roomIdOrAlias', { schema: roomIdOrAliasSchema }) idOrAlias: RoomId | RoomAlias,
    @Query({ schema: viaSchema }) via: Via,
    @Body({ schema: joinRoomSchema }) body: JoinRoom,
  ): Promise<JsonObject> {
    const { roomId, servers } = await this.aliases.target(idOrAlias);
    return this.handler.handle(requester.userId, { roomId, servers: [...via, ...servers] }, body);
  }
}
