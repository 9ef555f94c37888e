import { eventIdSchema } from '@atoll/contract';
import { FederationSignature, Requester } from '@atoll/http';
import { Body, Controller, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import type { FederationRequester } from '../authentication/federation.authenticator.js';
import { EarlierEvents } from '../room-access/earlier-events.js';
import { jsonAnswer } from '../room-access/json-answer.js';
import { RoomEntitlement } from '../room-access/room-entitlement.js';
import { type RoomParams, roomParamsSchema } from '../room-access/room-query.schema.js';
import { VisiblePdus } from '../room-access/visible-pdus.js';

const DEFAULT_EVENTS = 10;
const MAX_EVENTS = 20;
const MAX_GIVEN = 1000;

const bodySchema = z.object({
  limit: z.int().nonnegative().default(DEFAULT_EVENTS),
  min_depth: z.int().default(0),
  earliest_events: z.array(eventIdSchema).max(MAX_GIVEN),
  latest_events: z.array(eventIdSchema).max(MAX_GIVEN),
});

/** The oldest first. @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1get_missing_eventsroomid */
@FederationSignature()
@Controller('_matrix/federation/v1/get_missing_events/:roomId')
export class GetMissingPreviousEventsController {
  constructor(
    private readonly entitlement: RoomEntitlement,
    private readonly earlier: EarlierEvents,
    private readonly visible: VisiblePdus,
  ) {}

  @Post()
  async getMissingPreviousEvents(
    @Requester() { origin }: FederationRequester,
    @Param({ schema: roomParamsSchema }) { roomId }: RoomParams,
    @Body({ schema: bodySchema }) body: z.output<typeof bodySchema>,
  ) {
    const { roomNid } = await this.entitlement.room(origin, roomId);
    const walked = await this.earlier.walk(roomNid, {
      from: body.latest_events,
      inclusive: false,
      without: body.earliest_events,
      minDepth: body.min_depth,
      limit: Math.min(body.limit, MAX_EVENTS),
    });
    const events = walked
      .reverse()
      .sort((a, b) => a.depth - b.depth)
      .map(({ event }) => event);
    const texts = await this.visible.textsFor(origin, roomNid, events);
    return jsonAnswer([`{"events":[${texts.join(',')}]}`]);
  }
}
