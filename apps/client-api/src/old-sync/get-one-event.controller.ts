import { eventIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { type EventId, type JsonObject, notFound } from '@atoll/matrix';
import { Controller, Get, Param } from '@nestjs/common';
import { VisibleEvent } from '../events/visible-event.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3eventseventid */
@Controller('_matrix/client/v3/events/:eventId')
export class GetOneEventController {
  constructor(private readonly events: VisibleEvent) {}

  /** 404 for everything that the user may not see, so that nothing is told about it. */
  @Get()
  @AccessToken()
  async getOneEvent(
    @Requester() requester: UserRequester,
    @Param('eventId', { schema: eventIdSchema }) eventId: EventId,
  ): Promise<JsonObject> {
    const served = await this.events.find(requester, eventId);
    if (served === undefined) throw notFound('There is no such event, or you may not see it');
    return served.body;
  }
}
