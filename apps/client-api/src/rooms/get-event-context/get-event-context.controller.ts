import { eventIdSchema, roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { EventId, JsonObject, RoomId } from '@atoll/matrix';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { filterParameterSchema, limitSchema } from '../access/query-schemas.js';
import { GetEventContextHandler } from './get-event-context.handler.js';

const MAX_LIMIT = 100;

export const getEventContextSchema = z.object({
  limit: limitSchema(10, MAX_LIMIT),
  filter: filterParameterSchema,
});
export type GetEventContext = z.output<typeof getEventContextSchema>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidcontexteventid */
@Controller('_matrix/client/v3/rooms/:roomId/context/:eventId')
export class GetEventContextController {
  constructor(private readonly handler: GetEventContextHandler) {}

  @Get()
  @AccessToken({ allowGuest: true })
  getEventContext(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Param('eventId', { schema: eventIdSchema }) eventId: EventId,
    @Query({ schema: getEventContextSchema }) query: GetEventContext,
  ): Promise<JsonObject> {
    return this.handler.handle(requester, roomId, eventId, query);
  }
}
