import { roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Controller, Get, Param, Query } from '@nestjs/common';
import { z } from 'zod';
import { GetEventByTimestampHandler } from './get-event-by-timestamp.handler.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

const querySchema = z.object({ ts: z.coerce.number().int(), dir: z.enum(['f', 'b']) });

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1roomsroomidtimestamp_to_event */
@AccessToken()
@Controller('_matrix/client/v1/rooms/:roomId/timestamp_to_event')
@RateLimited('lookup')
export class GetEventByTimestampController {
  constructor(private readonly handler: GetEventByTimestampHandler) {}

  @Get()
  getEventByTimestamp(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Query({ schema: querySchema }) { ts, dir }: z.output<typeof querySchema>,
  ): Promise<JsonObject> {
    return this.handler.handle(requester, roomId, { ts, dir });
  }
}
