import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { ReceiptsModule } from '../receipts/receipts.module.js';
import { GetThreadSubscriptionsController } from './get-thread-subscriptions.controller.js';
import { ThreadSubscriptionChanges } from './thread-subscription-changes.js';
import { ThreadSubscriptionController } from './thread-subscription.controller.js';
import { ThreadSubscriptionHandler } from './thread-subscription.handler.js';
import { ThreadSubscriptionWriter } from './thread-subscription-writer.js';

/** The threads that users want to hear of. */
@Module({
  imports: [EventsModule, ReceiptsModule],
  controllers: [GetThreadSubscriptionsController, ThreadSubscriptionController],
  providers: [ThreadSubscriptionChanges, ThreadSubscriptionHandler, ThreadSubscriptionWriter],
  exports: [ThreadSubscriptionChanges],
})
export class ThreadSubscriptionsModule {}
