import { eventIdSchema, roomIdSchema } from '@atoll/contract';
import { AuthChainReader, EventTextReader } from '@atoll/database';
import { FederationSignature, Requester } from '@atoll/http';
import { Controller, Get, Param } from '@nestjs/common';
import { z } from 'zod';
import type { FederationRequester } from '../authentication/federation.authenticator.js';
import { jsonAnswer, pduItems } from '../room-access/json-answer.js';
import { ALLOWED, RoomEntitlement } from '../room-access/room-entitlement.js';

const paramsSchema = z.object({ roomId: roomIdSchema, eventId: eventIdSchema });

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1event_authroomideventid */
@FederationSignature()
@Controller('_matrix/federation/v1/event_auth/:roomId/:eventId')
export class GetEventAuthController {
  constructor(
    private readonly entitlement: RoomEntitlement,
    private readonly chains: AuthChainReader,
    private readonly texts: EventTextReader,
  ) {}

  @Get()
  async getEventAuth(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: paramsSchema }) { roomId, eventId }: z.output<typeof paramsSchema>,
  ) {
    const { eventNid } = await this.entitlement.eventOf(origin, roomId, eventId, ALLOWED);
    return jsonAnswer(this.parts(await this.chains.of([eventNid])));
  }

  private async *parts(authChain: readonly number[]) {
    yield '{"auth_chain":[';
    yield* pduItems(this.texts.pages(authChain));
    yield ']}';
  }
}
