import { Module } from '@nestjs/common';
import { AccountDataModule } from '../account-data/account-data.module.js';
import { PresenceActivityModule } from '../presence/presence-activity.module.js';
import { RoomsModule } from '../rooms/rooms.module.js';
import { EventThread } from './event-thread.js';
import { MarkReadHandler } from './mark-read.handler.js';
import { PostReceiptController } from './post-receipt.controller.js';
import { ReceiptWriter } from './receipt-writer.js';
import { SetReadMarkerController } from './set-read-marker.controller.js';

/** How far users have read. */
@Module({
  imports: [AccountDataModule, PresenceActivityModule, RoomsModule],
  controllers: [PostReceiptController, SetReadMarkerController],
  providers: [EventThread, MarkReadHandler, ReceiptWriter],
  exports: [EventThread],
})
export class ReceiptsModule {}
