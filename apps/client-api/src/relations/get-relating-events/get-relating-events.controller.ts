import { eventIdSchema, roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { EventId, JsonObject, RoomId } from '@atoll/matrix';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { eventTypeSchema } from '../../rooms/access/event-schemas.js';
import { limitSchema } from '../../rooms/access/query-schemas.js';
import { GetRelatingEventsHandler } from './get-relating-events.handler.js';

const DEFAULT_LIMIT = 50;
const MAX_LIMIT = 100;

export const getRelatingEventsSchema = z.object({
  from: z.string().optional(),
  to: z.string().optional(),
  limit: limitSchema(DEFAULT_LIMIT, MAX_LIMIT),
  dir: z.enum(['b', 'f']).default('b'),
  recurse: z
    .enum(['true', 'false'])
    .transform((recurse) => recurse === 'true')
    .optional(),
});
export type GetRelatingEvents = z.output<typeof getRelatingEventsSchema>;

/** As for event types, any text asks for what may not exist. */
const relTypeSchema = eventTypeSchema;

/** @see https://spec.matrix.org/v1.19/client-server-api/#relationships-api */
@Controller('_matrix/client/v1/rooms/:roomId/relations/:eventId')
export class GetRelatingEventsController {
  constructor(private readonly handler: GetRelatingEventsHandler) {}

  @Get()
  @AccessToken()
  getRelatingEvents(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Param('eventId', { schema: eventIdSchema }) parentId: EventId,
    @Query({ schema: getRelatingEventsSchema }) query: GetRelatingEvents,
  ): Promise<JsonObject> {
    return this.handler.handle(requester, roomId, { parentId }, query);
  }

  @Get(':relType')
  @AccessToken()
  getRelatingEventsWithRelType(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Param('eventId', { schema: eventIdSchema }) parentId: EventId,
    @Param('relType', { schema: relTypeSchema }) relType: string,
    @Query({ schema: getRelatingEventsSchema }) query: GetRelatingEvents,
  ): Promise<JsonObject> {
    return this.handler.handle(requester, roomId, { parentId, relType }, query);
  }

  @Get(':relType/:eventType')
  @AccessToken()
  getRelatingEventsWithRelTypeAndEventType(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Param('eventId', { schema: eventIdSchema }) parentId: EventId,
    @Param('relType', { schema: relTypeSchema }) relType: string,
    @Param('eventType', { schema: eventTypeSchema }) eventType: string,
    @Query({ schema: getRelatingEventsSchema }) query: GetRelatingEvents,
  ): Promise<JsonObject> {
    return this.handler.handle(requester, roomId, { parentId, relType, eventType }, query);
  }
}
