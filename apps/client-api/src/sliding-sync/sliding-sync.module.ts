import {
  type Database,
  PastMemberReader,
  RequiredStateReader,
  RoomListReader,
  SlidingConnectionReader,
} from '@atoll/database';
import { Module, type Provider } from '@nestjs/common';
import { RateLimiterModule } from '../auth/rate-limiter.module.js';
import { EventsModule } from '../events/events.module.js';
import { DATABASE } from '../platform/tokens.js';
import { PresenceModule } from '../presence/presence.module.js';
import { SyncModule } from '../sync/sync.module.js';
import { ThreadSubscriptionsModule } from '../thread-subscriptions/thread-subscriptions.module.js';
import { AccountDataExtension } from './extensions/account-data-extension.js';
import { EphemeralExtensions } from './extensions/ephemeral-extensions.js';
import { Extensions } from './extensions/extensions.js';
import { ThreadSubscriptionsExtension } from './extensions/thread-subscriptions-extension.js';
import { ToDeviceExtension } from './extensions/to-device-extension.js';
import { DirectRooms } from './list/direct-rooms.js';
import { RoomList } from './list/room-list.js';
import { RoomTraitsLoader } from './list/room-traits.js';
import { Connections } from './memory/connections.js';
import { QuietChanges } from './memory/quiet-changes.js';
import { OutsideRooms } from './rooms/outside-rooms.js';
import { ReadRooms } from './rooms/read-rooms.js';
import { RequiredStateLoader } from './rooms/required-state-loader.js';
import { RoomProfiles } from './rooms/room-profiles.js';
import { RoomTimelines } from './rooms/room-timelines.js';
import { SlidingRooms } from './rooms/sliding-rooms.js';
import { SlidingComputer } from './sliding-computer.js';
import { SlidingSyncController } from './sliding-sync.controller.js';
import { SlidingSyncHandler } from './sliding-sync.handler.js';

const readers = [PastMemberReader, RequiredStateReader, RoomListReader, SlidingConnectionReader].map(
  (reader: new (database: Database) => object): Provider => {
    return { provide: reader, useFactory: (database: Database) => new reader(database), inject: [DATABASE] };
  },
);

/** Simplified sliding sync: what a client does not know of the rooms in its windows, now or when it happens. */
@Module({
  imports: [EventsModule, PresenceModule, RateLimiterModule, SyncModule, ThreadSubscriptionsModule],
  controllers: [SlidingSyncController],
  providers: [
    ...readers,
    AccountDataExtension,
    Connections,
    DirectRooms,
    EphemeralExtensions,
    Extensions,
    OutsideRooms,
    QuietChanges,
    ReadRooms,
    RequiredStateLoader,
    RoomList,
    RoomProfiles,
    RoomTimelines,
    RoomTraitsLoader,
    SlidingComputer,
    SlidingRooms,
    SlidingSyncHandler,
    ThreadSubscriptionsExtension,
    ToDeviceExtension,
  ],
})
export class SlidingSyncModule {}
