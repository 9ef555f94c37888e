import { eventIdSchema, roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { type EventId, invalidParam, isEventId, type JsonObject, type RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { MAIN_THREAD } from './event-thread.js';
import { MarkReadHandler, type MarkerType } from './mark-read.handler.js';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';

const typeSchema = z.enum(['m.read', 'm.read.private', 'm.fully_read']);
/** Of `thread_id` the specification wants M_INVALID_PARAM, so that it is judged below. */
const bodySchema = z.object({ thread_id: z.unknown().optional() }).default({});

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3roomsroomidreceiptreceipttypeeventid */
@Controller('_matrix/client/v3/rooms/:roomId/receipt/:receiptType/:eventId')
@RateLimited('ephemeral')
export class PostReceiptController {
  constructor(private readonly handler: MarkReadHandler) {}

  @Post()
  @AccessToken()
  async postReceipt(
    @Requester() { userId }: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Param('receiptType', { schema: typeSchema }) type: MarkerType,
    @Param('eventId', { schema: eventIdSchema }) eventId: EventId,
    @Body({ schema: bodySchema }) { thread_id }: z.output<typeof bodySchema>,
  ): Promise<JsonObject> {
    const threadId = readThreadId(type, thread_id);
    await this.handler.mark(userId, roomId, [{ type, eventId, threadId }]);
    return {};
  }
}

function readThreadId(type: MarkerType, threadId: unknown): string | undefined {
  if (threadId === undefined) return undefined;
  if (type === 'm.fully_read') throw invalidParam('thread_id: m.fully_read is of no thread');
  if (threadId !== MAIN_THREAD && !isEventId(threadId)) {
    throw invalidParam('thread_id: neither main nor an event id');
  }
  return threadId;
}
