import {
  type Database,
  HeroReader,
  SyncMembershipReader,
  SyncStateReader,
  SyncTimelineReader,
} from '@atoll/database';
import { Module, type Provider } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { DATABASE } from '../platform/tokens.js';
import { RoomSections } from './rooms/room-sections.js';
import { RoomStates } from './rooms/room-states.js';
import { RoomSummaries } from './rooms/room-summary.js';
import { SentMembers } from './rooms/sent-members.js';
import { StrippedRooms } from './rooms/stripped-rooms.js';
import { TimelineFiller } from './rooms/timeline-filler.js';
import { SyncComputer } from './sync-computer.js';
import { SyncFilterReader } from './sync-filter.reader.js';
import { SyncController } from './sync.controller.js';
import { SyncHandler } from './sync.handler.js';
import { SyncWaking } from './waiting/sync-waking.js';
import { WaitingSyncs } from './waiting/waiting-syncs.js';

const readers = [HeroReader, SyncMembershipReader, SyncStateReader, SyncTimelineReader].map(
  (reader: new (database: Database) => object): Provider => {
    return { provide: reader, useFactory: (database: Database) => new reader(database), inject: [DATABASE] };
  },
);

/** `GET /sync`: what changed for a user since a token, now or when it happens. */
@Module({
  imports: [EventsModule],
  controllers: [SyncController],
  providers: [
    ...readers,
    RoomSections,
    RoomStates,
    RoomSummaries,
    SentMembers,
    StrippedRooms,
    SyncComputer,
    SyncFilterReader,
    SyncHandler,
    TimelineFiller,
    SyncWaking,
    WaitingSyncs,
  ],
})
export class SyncModule {}
