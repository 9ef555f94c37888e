import { Module } from '@nestjs/common';
import { RateLimiterModule } from '../auth/rate-limiter.module.js';
import { DraftDelay } from './draft-delay.js';
import { ScheduleDelayedEventHandler } from './schedule-delayed-event.handler.js';

/** The part of delayed events that rooms' endpoints need; sending them needs those. */
@Module({
  imports: [RateLimiterModule],
  providers: [DraftDelay, ScheduleDelayedEventHandler],
  exports: [DraftDelay, ScheduleDelayedEventHandler],
})
export class DelayedEventSchedulingModule {}
