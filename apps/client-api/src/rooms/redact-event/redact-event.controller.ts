import { eventIdSchema, jsonObjectSchema, roomIdSchema } from '@atoll/contract';
import { AccessToken, optionalBody, Requester, type UserRequester } from '@atoll/http';
import type { EventId, JsonObject, RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Put } from '@nestjs/common';
import { PresenceActivity } from '../../presence/presence-activity.js';
import { transactionIdSchema } from '../access/event-schemas.js';
import { RoomCommands } from '../commands/room-commands.js';
import { transactionOf } from '../commands/transaction.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidredacteventidtxnid */
@Controller('_matrix/client/v3/rooms/:roomId/redact/:eventId/:txnId')
@RateLimited('message')
export class RedactEventController {
  constructor(
    private readonly commands: RoomCommands,
    private readonly activity: PresenceActivity,
  ) {}

  @Put()
  @AccessToken()
  async redactEvent(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Param('eventId', { schema: eventIdSchema }) redacts: EventId,
    @Param('txnId', { schema: transactionIdSchema }) txnId: string,
    @Body({ schema: optionalBody(jsonObjectSchema) }) content: JsonObject,
  ): Promise<JsonObject> {
    const event_id = await this.commands.sendEvent({
      roomId,
      sender: requester.userId,
      type: 'm.room.redaction',
      content,
      redacts,
      transaction: transactionOf(requester, ['rooms', roomId, 'redact', redacts], txnId),
    });
    this.activity.bump(requester.userId);
    return { event_id };
  }
}
