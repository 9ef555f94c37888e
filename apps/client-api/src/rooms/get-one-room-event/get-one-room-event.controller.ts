import { eventIdSchema, roomIdSchema } from '@atoll/contract';
import { EventReader, RoomReader } from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { type EventId, type JsonObject, notFound, type RoomId } from '@atoll/matrix';
import { Controller, Get, Param } from '@nestjs/common';
import { ClientEvents } from '../../events/client-events.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomideventeventid */
@Controller('_matrix/client/v3/rooms/:roomId/event/:eventId')
export class GetOneRoomEventController {
  constructor(
    private readonly rooms: RoomReader,
    private readonly events: EventReader,
    private readonly clientEvents: ClientEvents,
  ) {}

  /** 404 for everything that the user may not see, so that nothing is told about it. */
  @Get()
  @AccessToken({ allowGuest: true })
  async getOneRoomEvent(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Param('eventId', { schema: eventIdSchema }) eventId: EventId,
  ): Promise<JsonObject> {
    const event = (await this.events.byIds([eventId])).get(eventId);
    if (event?.roomId !== roomId) throw unseen();
    const membership = await this.rooms.membershipOf(requester.userId, event.roomNid);
    const [served] = membership?.forgotten === true ? [] : await this.clientEvents.serve(requester, [event]);
    if (served === undefined) throw unseen();
    return served.body;
  }
}

const unseen = () => notFound('There is no such event, or you may not see it');
