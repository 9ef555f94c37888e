import type { Config } from '@atoll/config';
import { type DelayedEvent, DelayedEventReader } from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { type JsonObject, notFound } from '@atoll/matrix';
import { Controller, Get, Inject, Param } from '@nestjs/common';
import { RateLimiter } from '../auth/rate-limiter.js';
import { CONFIG } from '../platform/tokens.js';
import { DELAYED_EVENTS_PATH, DRAFT_DELAYED_EVENTS_PATH } from './delayed-event-paths.js';
import { delayIdSchema } from './delayed-event.schemas.js';

/** @see https://github.com/matrix-org/matrix-spec-proposals/blob/main/proposals/4140-delayed-events-futures.md#getting-delayed-events */
@Controller([DELAYED_EVENTS_PATH, DRAFT_DELAYED_EVENTS_PATH])
@AccessToken({ allowGuest: true })
export class GetDelayedEventsController {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly events: DelayedEventReader,
    private readonly limiter: RateLimiter,
  ) {}

  /** Those that are still to be sent. */
  @Get()
  async getDelayedEvents(@Requester() { userId }: UserRequester): Promise<JsonObject> {
    await this.limiter.take('delayed-event-read-account', userId);
    const events = await this.events.scheduledBy(userId, this.config.maxDelayedEvents);
    return { delayed_events: events.map(toBody) };
  }

  /** One, also when it was sent, cancelled or refused. */
  @Get(':delayId')
  async getDelayedEvent(
    @Requester() { userId }: UserRequester,
    @Param('delayId', { schema: delayIdSchema }) delayId: string,
  ): Promise<JsonObject> {
    await this.limiter.take('delayed-event-read-account', userId);
    const event = await this.events.byId(userId, delayId);
    if (event === undefined) throw notFound('You have no such delayed event');
    return toBody(event);
  }
}

function toBody({ finalised, ...event }: DelayedEvent): JsonObject {
  return {
    delay_id: event.delayId,
    room_id: event.roomId,
    type: event.type,
    ...(event.stateKey !== undefined && { state_key: event.stateKey }),
    delay_ms: event.delayMs,
    scheduled_at: event.scheduledTs,
    content: event.content,
    ...(finalised && {
      finalised_ts: finalised.ts,
      ...(finalised.eventId !== undefined && { event_id: finalised.eventId }),
      ...(finalised.error && { error: finalised.error }),
    }),
  };
}
