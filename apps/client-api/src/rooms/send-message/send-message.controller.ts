import { jsonObjectSchema, roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Put } from '@nestjs/common';
import { eventTypeSchema, transactionIdSchema } from '../access/event-schemas.js';
import { RoomCommands } from '../commands/room-commands.js';
import { transactionOf } from '../commands/transaction.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidsendeventtypetxnid */
@Controller('_matrix/client/v3/rooms/:roomId/send/:eventType/:txnId')
export class SendMessageController {
  constructor(private readonly commands: RoomCommands) {}

  @Put()
  @AccessToken()
  async sendMessage(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Param('eventType', { schema: eventTypeSchema }) type: string,
    @Param('txnId', { schema: transactionIdSchema }) txnId: string,
    @Body({ schema: jsonObjectSchema }) content: JsonObject,
  ): Promise<JsonObject> {
    const transaction = transactionOf(requester, ['rooms', roomId, 'send', type], txnId);
    const event_id = await this.commands.sendEvent({
      roomId,
      sender: requester.userId,
      type,
      content,
      transaction,
    });
    return { event_id };
  }
}
