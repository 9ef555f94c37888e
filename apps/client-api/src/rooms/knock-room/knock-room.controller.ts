import { AccessToken, Requester, RouteSettings, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomAlias, RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Post, Query } from '@nestjs/common';
import { ResolveAlias } from '../directory/resolve-alias.js';
import { roomIdOrAliasSchema } from '../directory/alias-schemas.js';
import { MemberProfiles } from '../membership/member-profiles.js';
import { type ReasonBody, reasonBodySchema } from '../membership/member-schemas.js';
import { TargetAction } from '../membership/target-action.js';
import { type Via, viaSchema } from '../membership/via-schema.js';
import { ViaServers } from '../membership/via-servers.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3knockroomidoralias */
@Controller('_matrix/client/v3/knock/:roomIdOrAlias')
@RateLimited('join')
export class KnockRoomController {
  constructor(
    private readonly aliases: ResolveAlias,
    private readonly profiles: MemberProfiles,
    private readonly via: ViaServers,
    private readonly action: TargetAction,
  ) {}

  @Post()
  @AccessToken()
  @RouteSettings({ longPoll: true })
  async knockRoom(
    @Requester() { userId }: UserRequester,
    @Param('roomIdOrAlias', { schema: roomIdOrAliasSchema }) idOrAlias: RoomId | RoomAlias,
    @Query({ schema: viaSchema }) given: Via,
    @Body({ schema: reasonBodySchema }) body: ReasonBody,
  ): Promise<JsonObject> {
    const { roomId, servers } = await this.aliases.target(idOrAlias);
    const content = await this.profiles.one(userId);
    const via = await this.via.of(userId, roomId, [...given, ...servers]);
    await this.action.run('knock', userId, roomId, { ...body, user_id: userId }, { content, via });
    return { room_id: roomId };
  }
}
