import { eventIdSchema, roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { type Marker, MarkReadHandler } from './mark-read.handler.js';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';

const bodySchema = z.object({
  'm.fully_read': eventIdSchema.optional(),
  'm.read': eventIdSchema.optional(),
  'm.read.private': eventIdSchema.optional(),
});

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidread_markers */
@Controller('_matrix/client/v3/rooms/:roomId/read_markers')
@RateLimited('ephemeral')
export class SetReadMarkerController {
  constructor(private readonly handler: MarkReadHandler) {}

  @Post()
  @AccessToken()
  async setReadMarker(
    @Requester() { userId }: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Body({ schema: bodySchema }) body: z.output<typeof bodySchema>,
  ): Promise<JsonObject> {
    const types = ['m.fully_read', 'm.read', 'm.read.private'] as const;
    const markers = types.flatMap((type): Marker[] => {
      const eventId = body[type];
      return eventId === undefined ? [] : [{ type, eventId }];
    });
    await this.handler.mark(userId, roomId, markers);
    return {};
  }
}
