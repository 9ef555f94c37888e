import { roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { filterParameterSchema, limitSchema } from '../access/query-schemas.js';
import { GetRoomEventsHandler } from './get-room-events.handler.js';

const MAX_LIMIT = 1000;

export const getRoomEventsSchema = z.object({
  dir: z.enum(['b', 'f']),
  from: z.string().optional(),
  to: z.string().optional(),
  limit: limitSchema(10, MAX_LIMIT),
  filter: filterParameterSchema,
});
export type GetRoomEvents = z.output<typeof getRoomEventsSchema>;

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages */
@Controller('_matrix/client/v3/rooms/:roomId/messages')
export class GetRoomEventsController {
  constructor(private readonly handler: GetRoomEventsHandler) {}

  @Get()
  @AccessToken({ allowGuest: true })
  getRoomEvents(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Query({ schema: getRoomEventsSchema }) query: GetRoomEvents,
  ): Promise<JsonObject> {
    return this.handler.handle(requester, roomId, query);
  }
}
