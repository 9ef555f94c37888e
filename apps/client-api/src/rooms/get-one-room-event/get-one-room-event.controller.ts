import { eventIdSchema, roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { type EventId, type JsonObject, notFound, type RoomId } from '@atoll/matrix';
import { Controller, Get, Param } from '@nestjs/common';
import { VisibleEvent } from '../../events/visible-event.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomideventeventid */
@Controller('_matrix/client/v3/rooms/:roomId/event/:eventId')
export class GetOneRoomEventController {
  constructor(private readonly events: VisibleEvent) {}

  /** 404 for everything that the user may not see, so that nothing is told about it. */
  @Get()
  @AccessToken({ allowGuest: true })
  async getOneRoomEvent(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Param('eventId', { schema: eventIdSchema }) eventId: EventId,
  ): Promise<JsonObject> {
    const served = await this.events.find(requester, eventId);
    if (served?.event.roomId !== roomId) throw notFound('There is no such event, or you may not see it');
    return served.body;
  }
}
