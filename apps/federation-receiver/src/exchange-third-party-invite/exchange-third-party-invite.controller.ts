import { ExchangeThirdPartyInvite, roomIdSchema, userIdSchema } from '@atoll/contract';
import { FederationSignature, Requester } from '@atoll/http';
import { forbidden, invalidParam, serverNameOf } from '@atoll/matrix';
import { RoomClient } from '@atoll/service';
import { Body, Controller, Param, Put } from '@nestjs/common';
import { z } from 'zod';
import type { FederationRequester } from '../authentication/federation.authenticator.js';
import { RoomEntitlement } from '../room-access/room-entitlement.js';
import { signedInviteSchema } from './signed-invite.schema.js';

const paramsSchema = z.object({ roomId: roomIdSchema });
/** The display name, which the room's own invite says as well, is not looked at: not all servers send it. */
const bodySchema = z.object({
  type: z.literal('m.room.member'),
  room_id: roomIdSchema,
  sender: userIdSchema,
  state_key: userIdSchema,
  content: z.object({
    membership: z.literal('invite'),
    third_party_invite: z.object({ signed: signedInviteSchema }),
  }),
});
/** Of room-state, which asks the server back for its signature. */
const TIMEOUT_MS = 60_000;

/** Takes invites by e-mail and the like of users of other servers, once the users are known. */
@FederationSignature()
@Controller('_matrix/federation/v1/exchange_third_party_invite/:roomId')
export class ExchangeThirdPartyInviteController {
  constructor(
    private readonly entitlement: RoomEntitlement,
    private readonly rooms: RoomClient,
  ) {}

  /** Only the invited user's server may ask. @see https://spec.matrix.org/v1.19/server-server-api/#put_matrixfederationv1exchange_third_party_inviteroomid */
  @Put()
  async exchangeThirdPartyInvite(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: paramsSchema }) { roomId }: z.output<typeof paramsSchema>,
    @Body({ schema: bodySchema })
    { room_id, sender, state_key: target, content }: z.output<typeof bodySchema>,
  ) {
    const { signed } = content.third_party_invite;
    if (room_id !== roomId) throw invalidParam('The event is of another room');
    if (signed.mxid !== target) throw invalidParam('The signed invite is of another user');
    if (serverNameOf(target) !== origin) throw forbidden('The invited user is of another server');
    await this.entitlement.roomForMembership(origin, roomId);
    const input = { roomId, sender, target, signed };
    await this.rooms.request(ExchangeThirdPartyInvite, input, { timeoutMs: TIMEOUT_MS });
    return {};
  }
}
