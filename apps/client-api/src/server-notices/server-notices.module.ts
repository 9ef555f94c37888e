import { type Database, RoomBlockReader, ServerNoticeDeliveryTransactor } from '@atoll/database';
import { Module } from '@nestjs/common';
import { AccountDataModule } from '../account-data/account-data.module.js';
import { DATABASE } from '../platform/tokens.js';
import { ProfileModule } from '../profile/profile.module.js';
import { RoomsModule } from '../rooms/rooms.module.js';
import { NoticesRooms } from './notices-rooms.js';
import { ServerNoticeDelivery } from './server-notice-delivery.js';
import { ServerNoticeSweep } from './server-notice-sweep.js';
import { ServerNoticesAccount } from './server-notices-account.js';

/** What the server itself tells its users. @see https://spec.matrix.org/v1.19/client-server-api/#server-notices */
@Module({
  imports: [AccountDataModule, ProfileModule, RoomsModule],
  providers: [
    NoticesRooms,
    ServerNoticeDelivery,
    ServerNoticeSweep,
    ServerNoticesAccount,
    {
      provide: RoomBlockReader,
      useFactory: (database: Database) => new RoomBlockReader(database),
      inject: [DATABASE],
    },
    {
      provide: ServerNoticeDeliveryTransactor,
      useFactory: (database: Database) => new ServerNoticeDeliveryTransactor(database),
      inject: [DATABASE],
    },
  ],
})
export class ServerNoticesModule {}
