import { jsonObjectSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { isUserId, type JsonObject } from '@atoll/matrix';
import { Body, Controller, Param, Put } from '@nestjs/common';
import { z } from 'zod';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';
import { eventTypeSchema, transactionIdSchema } from '../rooms/access/event-schemas.js';
import { transactionOf } from '../rooms/commands/transaction.js';
import { type Messages, SendToDeviceHandler } from './send-to-device.handler.js';

const isStorable = (text: string) => text.isWellFormed() && !text.includes('\0');
const invalid = (message: string) => ({ message, params: { errcode: 'M_INVALID_PARAM' } });

const bodySchema = z.object({
  messages: z
    .record(z.string(), z.record(z.string(), jsonObjectSchema))
    .refine((byUser) => Object.keys(byUser).every(isUserId), invalid('not a user id'))
    .refine(
      (byUser) => Object.values(byUser).every((devices) => Object.keys(devices).every(isStorable)),
      invalid('not a device id'),
    ),
});

/** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3sendtodeviceeventtypetxnid */
@Controller('_matrix/client/v3/sendToDevice/:eventType/:txnId')
@RateLimited('to-device')
export class SendToDeviceController {
  constructor(private readonly handler: SendToDeviceHandler) {}

  @Put()
  @AccessToken({ allowGuest: true })
  async sendToDevice(
    @Requester() requester: UserRequester,
    @Param('eventType', { schema: eventTypeSchema }) type: string,
    @Param('txnId', { schema: transactionIdSchema }) txnId: string,
    @Body({ schema: bodySchema }) { messages }: { messages: Messages },
  ): Promise<JsonObject> {
    const transaction = transactionOf(requester, ['sendToDevice', type], txnId);
    await this.handler.send(requester.userId, type, messages, transaction);
    return {};
  }
}
