import { jsonObjectSchema, roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Put, Query } from '@nestjs/common';
import { DraftDelay, draftDelaySchema } from '../../delayed-events/draft-delay.js';
import { PresenceActivity } from '../../presence/presence-activity.js';
import { eventTypeSchema, transactionIdSchema } from '../access/event-schemas.js';
import { transactionOf } from '../commands/transaction.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';
import { SendMessageHandler } from './send-message.handler.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid */
@Controller('_matrix/client/v3/rooms/:roomId/send/:eventType/:txnId')
@RateLimited('message')
export class SendMessageController {
  constructor(
    private readonly handler: SendMessageHandler,
    private readonly delayed: DraftDelay,
    private readonly activity: PresenceActivity,
  ) {}

  @Put()
  @AccessToken({ allowGuest: true })
  async sendMessage(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Param('eventType', { schema: eventTypeSchema }) type: string,
    @Param('txnId', { schema: transactionIdSchema }) txnId: string,
    @Query({ schema: draftDelaySchema }) delayMs: number | undefined,
    @Body({ schema: jsonObjectSchema }) content: JsonObject,
  ): Promise<JsonObject> {
    const transaction = transactionOf(requester, ['rooms', roomId, 'send', type], txnId);
    if (delayMs !== undefined) {
      const event = { userId: requester.userId, roomId, type, content, delayMs };
      return { ...(await this.delayed.schedule(event, transaction)) };
    }
    const event_id = await this.handler.handle(requester.userId, roomId, { type, content, transaction });
    this.activity.bump(requester.userId);
    return { event_id };
  }
}
