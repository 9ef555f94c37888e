import type { Config } from '@atoll/config';
import {
  type Database,
  HeroReader,
  ReceiptReader,
  SyncMembershipReader,
  SyncStateReader,
  SyncTimelineReader,
  UnreadCounter,
  UnreadStandingReader,
  ToDeviceReader,
} from '@atoll/database';
import { Module, type Provider } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { KeyNewsModule } from '../keys/news/key-news.module.js';
import { CONFIG, DATABASE } from '../platform/tokens.js';
import { PresenceModule } from '../presence/presence.module.js';
import { DeviceInbox } from './device-inbox.js';
import { LoginCheck } from './login-check.js';
import { PresenceEvents } from './presence-events.js';
import { EphemeralEvents } from './rooms/ephemeral-events.js';
import { RoomSections } from './rooms/room-sections.js';
import { RoomStates } from './rooms/room-states.js';
import { RoomSummaries } from './rooms/room-summary.js';
import { SentMembers } from './rooms/sent-members.js';
import { StrippedRooms } from './rooms/stripped-rooms.js';
import { UnreadNotificationsLoader } from './rooms/unread-notifications.js';
import { UnwantedInviters } from './rooms/unwanted-inviters.js';
import { TimelineFiller } from './rooms/timeline-filler.js';
import { TimelineGaps } from './rooms/timeline-gaps.js';
import { SyncComputer } from './sync-computer.js';
import { SyncFilterReader } from './sync-filter.reader.js';
import { SyncTurnstile } from './sync-turnstile.js';
import { SyncController } from './sync.controller.js';
import { SyncHandler } from './sync.handler.js';
import { SyncWaking } from './waiting/sync-waking.js';
import { WaitingSyncs } from './waiting/waiting-syncs.js';

const readers = [
  HeroReader,
  ReceiptReader,
  SyncMembershipReader,
  SyncStateReader,
  SyncTimelineReader,
  UnreadCounter,
  UnreadStandingReader,
  ToDeviceReader,
].map((reader: new (database: Database, config: Config) => object): Provider => {
  return {
    provide: reader,
    useFactory: (database: Database, config: Config) => new reader(database, config),
    inject: [DATABASE, CONFIG],
  };
});

/** `GET /sync`: what changed for a user since a token, now or when it happens. */
@Module({
  imports: [EventsModule, KeyNewsModule, PresenceModule],
  controllers: [SyncController],
  providers: [
    ...readers,
    DeviceInbox,
    EphemeralEvents,
    LoginCheck,
    PresenceEvents,
    RoomSections,
    RoomStates,
    RoomSummaries,
    SentMembers,
    StrippedRooms,
    UnreadNotificationsLoader,
    UnwantedInviters,
    SyncComputer,
    SyncFilterReader,
    SyncHandler,
    SyncTurnstile,
    TimelineFiller,
    TimelineGaps,
    SyncWaking,
    WaitingSyncs,
  ],
  // What every kind of sync is made of.
  exports: [
    ...readers,
    DeviceInbox,
    EphemeralEvents,
    KeyNewsModule,
    LoginCheck,
    SentMembers,
    StrippedRooms,
    SyncHandler,
    SyncTurnstile,
    TimelineFiller,
    UnreadNotificationsLoader,
    UnwantedInviters,
    WaitingSyncs,
  ],
})
export class SyncModule {}
