import { eventIdSchema } from '@atoll/contract';
import { FederationSignature, Requester } from '@atoll/http';
import type { ServerName } from '@atoll/matrix';
import { Controller, Get, Inject, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import type { FederationRequester } from '../authentication/federation.authenticator.js';
import { EarlierEvents } from '../room-access/earlier-events.js';
import { transactionAnswer } from '../room-access/json-answer.js';
import { OWN_SERVER_NAME } from '../room-access/own-server-name.js';
import { RoomEntitlement } from '../room-access/room-entitlement.js';
import { type RoomParams, roomParamsSchema } from '../room-access/room-query.schema.js';
import { VisiblePdus } from '../room-access/visible-pdus.js';

const MAX_EVENTS = 100;

const querySchema = z.object({
  v: z.union([eventIdSchema.transform((id) => [id]), z.array(eventIdSchema).max(MAX_EVENTS)]),
  limit: z.coerce
    .number()
    .int()
    .positive()
    .transform((limit) => Math.min(limit, MAX_EVENTS)),
});

/** The newest first. @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1backfillroomid */
@FederationSignature()
@Controller('_matrix/federation/v1/backfill/:roomId')
export class BackfillRoomController {
  constructor(
    private readonly entitlement: RoomEntitlement,
    private readonly earlier: EarlierEvents,
    private readonly visible: VisiblePdus,
    @Inject(OWN_SERVER_NAME) private readonly ownName: ServerName,
  ) {}

  @Get()
  async backfillRoom(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: roomParamsSchema }) { roomId }: RoomParams,
    @Query({ schema: querySchema }) { v, limit }: z.output<typeof querySchema>,
  ) {
    const { roomNid } = await this.entitlement.room(origin, roomId);
    const walked = await this.earlier.walk(roomNid, { from: v, inclusive: true, limit });
    const events = walked.sort((a, b) => b.depth - a.depth).map(({ event }) => event);
    return transactionAnswer(this.ownName, await this.visible.textsFor(origin, roomNid, events));
  }
}
