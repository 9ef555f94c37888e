import { Module } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { RoomsModule } from '../rooms/rooms.module.js';
import { SyncModule } from '../sync/sync.module.js';
import { GetEventsController } from './get-events.controller.js';
import { GetOneEventController } from './get-one-event.controller.js';
import { InitialSyncController } from './initial-sync.controller.js';
import { Invites } from './invites.js';
import { PeekEvents } from './peek-events.js';
import { RoomInitialSyncController } from './room-initial-sync.controller.js';

/** Endpoints from before `/sync`: deprecated, but for looking into rooms that one is not in. */
@Module({
  imports: [EventsModule, RoomsModule, SyncModule],
  controllers: [GetEventsController, GetOneEventController, InitialSyncController, RoomInitialSyncController],
  providers: [Invites, PeekEvents],
})
export class OldSyncModule {}
