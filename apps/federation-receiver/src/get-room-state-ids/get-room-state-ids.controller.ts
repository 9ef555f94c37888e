import { EventTextReader } from '@atoll/database';
import { FederationSignature, Requester } from '@atoll/http';
import { Controller, Get, Param, Query } from '@nestjs/common';
import type { FederationRequester } from '../authentication/federation.authenticator.js';
import {
  type RoomParams,
  roomParamsSchema,
  type StateQuery,
  stateQuerySchema,
} from '../room-access/room-query.schema.js';
import { StatesBeforeEvents } from '../room-access/states-before-events.js';

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1state_idsroomid */
@FederationSignature()
@Controller('_matrix/federation/v1/state_ids/:roomId')
export class GetRoomStateIdsController {
  constructor(
    private readonly states: StatesBeforeEvents,
    private readonly texts: EventTextReader,
  ) {}

  @Get()
  async getRoomStateIds(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: roomParamsSchema }) { roomId }: RoomParams,
    @Query({ schema: stateQuerySchema }) { event_id: eventId }: StateQuery,
  ) {
    const { state, authChain } = await this.states.find(origin, roomId, eventId);
    return {
      pdu_ids: state.map((held) => held.eventId),
      auth_chain_ids: await this.texts.idsOf(authChain),
    };
  }
}
