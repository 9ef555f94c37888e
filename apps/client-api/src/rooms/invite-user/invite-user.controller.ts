import { roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, RouteSettings, type UserRequester } from '@atoll/http';
import { type JsonObject, type RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { MemberProfiles } from '../membership/member-profiles.js';
import { targetBodySchema } from '../membership/member-schemas.js';
import { TargetAction } from '../membership/target-action.js';
import { noIdentityServer } from './no-identity-server.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

const thirdPartyInviteSchema = z.object({
  id_server: z.string(),
  id_access_token: z.string().optional(),
  medium: z.string(),
  address: z.string(),
});
const inviteUserSchema = z.union([targetBodySchema, thirdPartyInviteSchema]);
type InviteUser = z.output<typeof inviteUserSchema>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidinvite */
@Controller('_matrix/client/v3/rooms/:roomId/invite')
@RateLimited('invite')
export class InviteUserController {
  constructor(
    private readonly profiles: MemberProfiles,
    private readonly action: TargetAction,
  ) {}

  /** The server of an invited user has to sign the invite, which may take it a while. */
  @Post()
  @AccessToken()
  @RouteSettings({ longPoll: true })
  async inviteUser(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Body({ schema: inviteUserSchema }) body: InviteUser,
  ): Promise<JsonObject> {
    if (!('user_id' in body)) throw noIdentityServer();
    const content = await this.profiles.one(body.user_id);
    return this.action.run('invite', requester.userId, roomId, body, { content });
  }
}
