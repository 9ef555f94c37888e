import { EventTextReader } from '@atoll/database';
import { FederationSignature, Requester } from '@atoll/http';
import { Controller, Get, Param, Query } from '@nestjs/common';
import type { FederationRequester } from '../authentication/federation.authenticator.js';
import { jsonAnswer, pduItems } from '../room-access/json-answer.js';
import {
  type RoomParams,
  roomParamsSchema,
  type StateQuery,
  stateQuerySchema,
} from '../room-access/room-query.schema.js';
import { type StateBeforeEvent, StatesBeforeEvents } from '../room-access/states-before-events.js';

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1stateroomid */
@FederationSignature()
@Controller('_matrix/federation/v1/state/:roomId')
export class GetRoomStateController {
  constructor(
    private readonly states: StatesBeforeEvents,
    private readonly texts: EventTextReader,
  ) {}

  @Get()
  async getRoomState(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: roomParamsSchema }) { roomId }: RoomParams,
    @Query({ schema: stateQuerySchema }) { event_id: eventId }: StateQuery,
  ) {
    return jsonAnswer(this.parts(await this.states.find(origin, roomId, eventId)));
  }

  private async *parts({ state, authChain }: StateBeforeEvent) {
    yield '{"pdus":[';
    yield* pduItems(this.texts.pages(state.map(({ eventNid }) => eventNid)));
    yield '],"auth_chain":[';
    yield* pduItems(this.texts.pages(authChain));
    yield ']}';
  }
}
