import { type Database, DelayedEventSendingTransactor } from '@atoll/database';
import { Module } from '@nestjs/common';
import { RateLimiterModule } from '../auth/rate-limiter.module.js';
import { DATABASE } from '../platform/tokens.js';
import { RoomsModule } from '../rooms/rooms.module.js';
import { DelayedEventSchedulingModule } from './delayed-event-scheduling.module.js';
import { DelayedEventSender } from './delayed-event-sender.js';
import { DelayedEventSweep } from './delayed-event-sweep.js';
import { GetDelayedEventsController } from './get-delayed-events.controller.js';
import { HeldClaims } from './held-claims.js';
import {
  DraftManageDelayedEventController,
  ManageDelayedEventController,
} from './manage-delayed-event.controller.js';
import { ManageDelayedEventHandler } from './manage-delayed-event.handler.js';
import { OldDelayedEventsSweep } from './old-delayed-events-sweep.js';
import { OverdueGauge } from './overdue-gauge.js';
import { SendingWaits } from './sending-waits.js';
import { ScheduleDelayedEventController } from './schedule-delayed-event.controller.js';

/** Events that users want sent later, unless they say otherwise in time. */
@Module({
  imports: [DelayedEventSchedulingModule, RateLimiterModule, RoomsModule],
  controllers: [
    DraftManageDelayedEventController,
    GetDelayedEventsController,
    ManageDelayedEventController,
    ScheduleDelayedEventController,
  ],
  providers: [
    DelayedEventSender,
    DelayedEventSweep,
    HeldClaims,
    ManageDelayedEventHandler,
    OldDelayedEventsSweep,
    OverdueGauge,
    SendingWaits,
    {
      provide: DelayedEventSendingTransactor,
      useFactory: (database: Database) => new DelayedEventSendingTransactor(database),
      inject: [DATABASE],
    },
  ],
})
export class DelayedEventsModule {}
