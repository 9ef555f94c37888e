import { eventIdSchema, roomIdSchema } from '@atoll/contract';
import { AccessToken, optionalBody, Requester, type UserRequester } from '@atoll/http';
import type { EventId, JsonObject } from '@atoll/matrix';
import { Body, Controller, Delete, Get, Param, Put } from '@nestjs/common';
import { z } from 'zod';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';
import { ThreadSubscriptionHandler } from './thread-subscription.handler.js';

const params = z.object({ roomId: roomIdSchema, eventId: eventIdSchema });
type Params = z.output<typeof params>;
/** `automatic` is the newest event for which a client subscribes its user, without being told to. */
const bodySchema = z.object({ automatic: eventIdSchema.optional() });

/** Which threads a user wants to hear of. @see proposals/4306-thread-subscriptions.md */
@Controller('_matrix/client/unstable/io.element.msc4306/rooms/:roomId/thread/:eventId/subscription')
@AccessToken()
export class ThreadSubscriptionController {
  constructor(private readonly handler: ThreadSubscriptionHandler) {}

  @Get()
  async getSubscription(
    @Requester() requester: UserRequester,
    @Param({ schema: params }) { roomId, eventId }: Params,
  ): Promise<JsonObject> {
    return { automatic: await this.handler.isAutomatic(requester, roomId, eventId) };
  }

  @Put()
  @RateLimited('account-data')
  async subscribe(
    @Requester() requester: UserRequester,
    @Param({ schema: params }) { roomId, eventId }: Params,
    @Body({ schema: optionalBody(bodySchema) }) { automatic }: { automatic?: EventId },
  ): Promise<JsonObject> {
    await this.handler.subscribe(requester, roomId, eventId, automatic);
    return {};
  }

  @Delete()
  @RateLimited('account-data')
  async unsubscribe(
    @Requester() requester: UserRequester,
    @Param({ schema: params }) { roomId, eventId }: Params,
  ): Promise<JsonObject> {
    await this.handler.unsubscribe(requester, roomId, eventId);
    return {};
  }
}
