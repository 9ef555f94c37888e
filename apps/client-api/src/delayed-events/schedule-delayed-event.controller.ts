import { jsonObjectSchema, roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Put } from '@nestjs/common';
import { z } from 'zod';
import { eventTypeSchema, stateKeySchema, transactionIdSchema } from '../rooms/access/event-schemas.js';
import { transactionOf } from '../rooms/commands/transaction.js';
import { DRAFT_PREFIX } from './delayed-event-paths.js';
import { ScheduleDelayedEventHandler } from './schedule-delayed-event.handler.js';

const bodySchema = z.object({
  delay_ms: z.int().positive(),
  state_key: stateKeySchema.unwrap().optional(),
  content: jsonObjectSchema,
});

/** @see https://github.com/matrix-org/matrix-spec-proposals/blob/main/proposals/4140-delayed-events-futures.md#scheduling-a-delayed-event */
@Controller([
  '_matrix/client/v3/rooms/:roomId/delayed_event/:eventType/:txnId',
  `${DRAFT_PREFIX}/rooms/:roomId/delayed_event/:eventType/:txnId`,
])
export class ScheduleDelayedEventController {
  constructor(private readonly handler: ScheduleDelayedEventHandler) {}

  @Put()
  @AccessToken({ allowGuest: true })
  async scheduleDelayedEvent(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Param('eventType', { schema: eventTypeSchema }) type: string,
    @Param('txnId', { schema: transactionIdSchema }) txnId: string,
    @Body({ schema: bodySchema }) { delay_ms, state_key, content }: z.output<typeof bodySchema>,
  ): Promise<JsonObject> {
    const delay_id = await this.handler.handle(
      {
        userId: requester.userId,
        roomId,
        type,
        ...(state_key !== undefined && { stateKey: state_key }),
        content,
        delayMs: delay_ms,
      },
      transactionOf(requester, ['rooms', roomId, 'delayed_event', type], txnId),
    );
    return { delay_id };
  }
}
