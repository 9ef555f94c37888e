import { MakeMembership, type RemoteMembership, roomIdSchema, userIdSchema } from '@atoll/contract';
import { FederationSignature, Requester } from '@atoll/http';
import { forbidden, type ServerName, serverNameOf } from '@atoll/matrix';
import { RoomClient } from '@atoll/service';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import type { FederationRequester } from '../authentication/federation.authenticator.js';
import { RoomEntitlement } from '../room-access/room-entitlement.js';

const paramsSchema = z.object({ roomId: roomIdSchema, userId: userIdSchema });
type Params = z.output<typeof paramsSchema>;

/** Room versions that the asking server knows; without any, it is as old as version 1. */
const querySchema = z.object({
  ver: z.union([z.string().transform((one) => [one]), z.array(z.string()).max(100)]).default(['1']),
});
type Versions = z.output<typeof querySchema>;

/** Draws up the member events by which users of other servers join, leave and knock with this server's help. */
@FederationSignature()
@Controller('_matrix/federation/v1')
export class MakeMembershipController {
  constructor(
    private readonly entitlement: RoomEntitlement,
    private readonly rooms: RoomClient,
  ) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_joinroomiduserid */
  @Get('make_join/:roomId/:userId')
  async makeJoin(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: paramsSchema }) params: Params,
    @Query({ schema: querySchema }) { ver }: Versions,
  ) {
    const { event, roomVersion } = await this.make(origin, 'join', params, ver);
    return { event, room_version: roomVersion };
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_leaveroomiduserid */
  @Get('make_leave/:roomId/:userId')
  async makeLeave(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: paramsSchema }) params: Params,
  ) {
    const { event, roomVersion } = await this.make(origin, 'leave', params);
    return { event, room_version: roomVersion };
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1make_knockroomiduserid */
  @Get('make_knock/:roomId/:userId')
  async makeKnock(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: paramsSchema }) params: Params,
    @Query({ schema: querySchema }) { ver }: Versions,
  ) {
    const { event, roomVersion } = await this.make(origin, 'knock', params, ver);
    return { event, room_version: roomVersion };
  }

  private async make(
    origin: ServerName,
    membership: RemoteMembership,
    { roomId, userId }: Params,
    versions?: readonly string[],
  ) {
    if (serverNameOf(userId) !== origin) throw forbidden('The user is of another server');
    await this.entitlement.roomForMembership(origin, roomId);
    return this.rooms.request(MakeMembership, {
      roomId,
      userId,
      membership,
      ...(versions && { versions: [...versions] }),
    });
  }
}
