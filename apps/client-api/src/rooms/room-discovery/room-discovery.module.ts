import { type Database, EventTimeReader, RoomServersReader, SpaceReader } from '@atoll/database';
import { Module, type Provider } from '@nestjs/common';
import { EventsModule } from '../../events/events.module.js';
import { FederationModule } from '../../federation/federation.module.js';
import { DATABASE } from '../../platform/tokens.js';
import { CloserHistory } from '../get-event-by-timestamp/closer-history.js';
import { GetEventByTimestampController } from '../get-event-by-timestamp/get-event-by-timestamp.controller.js';
import { GetEventByTimestampHandler } from '../get-event-by-timestamp/get-event-by-timestamp.handler.js';
import { VisibleEventTimes } from '../get-event-by-timestamp/visible-event-times.js';
import { GetRoomSummaryController } from '../get-room-summary/get-room-summary.controller.js';
import { GetRoomSummaryHandler } from '../get-room-summary/get-room-summary.handler.js';
import { GetSpaceHierarchyController } from '../get-space-hierarchy/get-space-hierarchy.controller.js';
import { GetSpaceHierarchyHandler } from '../get-space-hierarchy/get-space-hierarchy.handler.js';
import { RoomsModule } from '../rooms.module.js';
import { RemoteHierarchies } from './remote-hierarchies.js';
import { RoomEntry } from './room-entry.js';
import { VisibleRooms } from './visible-rooms.js';

const onDatabase = [EventTimeReader, RoomServersReader, SpaceReader].map(
  (type: new (database: Database) => object): Provider => {
    return { provide: type, useFactory: (database: Database) => new type(database), inject: [DATABASE] };
  },
);

/** What clients find with the help of other servers: rooms in spaces, rooms by name, events by time. */
@Module({
  imports: [EventsModule, FederationModule, RoomsModule],
  controllers: [GetEventByTimestampController, GetRoomSummaryController, GetSpaceHierarchyController],
  providers: [
    ...onDatabase,
    CloserHistory,
    GetEventByTimestampHandler,
    GetRoomSummaryHandler,
    GetSpaceHierarchyHandler,
    RemoteHierarchies,
    RoomEntry,
    VisibleEventTimes,
    VisibleRooms,
  ],
})
export class RoomDiscoveryModule {}
