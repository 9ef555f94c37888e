import { EventTimeReader } from '@atoll/database';
import { FederationSignature, Requester } from '@atoll/http';
import { notFound } from '@atoll/matrix';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import type { FederationRequester } from '../authentication/federation.authenticator.js';
import { RoomEntitlement } from '../room-access/room-entitlement.js';
import { type RoomParams, roomParamsSchema } from '../room-access/room-query.schema.js';

const querySchema = z.object({ ts: z.coerce.number().int(), dir: z.enum(['f', 'b']) });

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1timestamp_to_eventroomid */
@FederationSignature()
@Controller('_matrix/federation/v1/timestamp_to_event/:roomId')
export class GetEventByTimestampController {
  constructor(
    private readonly entitlement: RoomEntitlement,
    private readonly times: EventTimeReader,
  ) {}

  @Get()
  async getEventByTimestamp(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: roomParamsSchema }) { roomId }: RoomParams,
    @Query({ schema: querySchema }) { ts, dir }: z.output<typeof querySchema>,
  ) {
    const { roomNid } = await this.entitlement.room(origin, roomId);
    const event = await this.times.closest(roomNid, ts, dir);
    if (event === undefined) throw notFound('There is no event in this direction');
    return { event_id: event.eventId, origin_server_ts: event.originServerTs };
  }
}
