import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomAlias, RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Post } from '@nestjs/common';
import { ResolveAlias } from '../directory/resolve-alias.js';
import { roomIdOrAliasSchema } from '../directory/alias-schemas.js';
import { MemberProfiles } from '../membership/member-profiles.js';
import { type ReasonBody, reasonBodySchema } from '../membership/member-schemas.js';
import { TargetAction } from '../membership/target-action.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3knockroomidoralias */
@Controller('_matrix/client/v3/knock/:roomIdOrAlias')
export class KnockRoomController {
  constructor(
    private readonly aliases: ResolveAlias,
    private readonly profiles: MemberProfiles,
    private readonly action: TargetAction,
  ) {}

  @Post()
  @AccessToken()
  async knockRoom(
    @Requester() { userId }: UserRequester,
    @Param('roomIdOrAlias', { schema: roomIdOrAliasSchema }) idOrAlias: RoomId | RoomAlias,
    @Body({ schema: reasonBodySchema }) body: ReasonBody,
  ): Promise<JsonObject> {
    const roomId = await this.aliases.roomId(idOrAlias);
    const profile = await this.profiles.one(userId);
    await this.action.run('knock', userId, roomId, { ...body, user_id: userId }, profile);
    return { room_id: roomId };
  }
}
