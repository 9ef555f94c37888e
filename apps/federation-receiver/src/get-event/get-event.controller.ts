import { eventIdSchema } from '@atoll/contract';
import { FederationSignature, Requester } from '@atoll/http';
import type { EventId, ServerName } from '@atoll/matrix';
import { Controller, Get, Inject, Param } from '@nestjs/common';
import type { FederationRequester } from '../authentication/federation.authenticator.js';
import { transactionAnswer } from '../room-access/json-answer.js';
import { OWN_SERVER_NAME } from '../room-access/own-server-name.js';
import { ALLOWED, RoomEntitlement } from '../room-access/room-entitlement.js';
import { VisiblePdus } from '../room-access/visible-pdus.js';

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1eventeventid */
@FederationSignature()
@Controller('_matrix/federation/v1/event/:eventId')
export class GetEventController {
  constructor(
    private readonly entitlement: RoomEntitlement,
    private readonly visible: VisiblePdus,
    @Inject(OWN_SERVER_NAME) private readonly ownName: ServerName,
  ) {}

  @Get()
  async getEvent(
    @Requester() { origin }: FederationRequester,
    @Param('eventId', { schema: eventIdSchema }) eventId: EventId,
  ) {
    const event = await this.entitlement.event(origin, eventId, ALLOWED);
    return transactionAnswer(this.ownName, await this.visible.textsFor(origin, event.roomNid, [event]));
  }
}
