import {
  AliasReader,
  AuthChainReader,
  type Database,
  EventStateReader,
  EventTextReader,
  EventTimeReader,
  OpenIdTokenReader,
  ProfileReader,
  PublishedRoomReader,
  RoomReader,
  RoomServersReader,
  ServerViewReader,
  SpaceReader,
  StateReader,
} from '@atoll/database';
import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { BackfillRoomController } from './backfill-room/backfill-room.controller.js';
import { ExchangeOpenIdTokenController } from './exchange-open-id-token/exchange-open-id-token.controller.js';
import { GetEventController } from './get-event/get-event.controller.js';
import { GetEventAuthController } from './get-event-auth/get-event-auth.controller.js';
import { GetEventByTimestampController } from './get-event-by-timestamp/get-event-by-timestamp.controller.js';
import { GetMissingPreviousEventsController } from './get-missing-previous-events/get-missing-previous-events.controller.js';
import { GetRoomComplexityController } from './get-room-complexity/get-room-complexity.controller.js';
import { GetRoomStateController } from './get-room-state/get-room-state.controller.js';
import { GetRoomStateIdsController } from './get-room-state-ids/get-room-state-ids.controller.js';
import { GetSpaceHierarchyController } from './get-space-hierarchy/get-space-hierarchy.controller.js';
import { GetSpaceHierarchyHandler } from './get-space-hierarchy/get-space-hierarchy.handler.js';
import type { Platform } from './platform.js';
import { PublicRoomsController } from './public-rooms/public-rooms.controller.js';
import { QueryProfileController } from './query-profile/query-profile.controller.js';
import { QueryRoomDirectoryController } from './query-room-directory/query-room-directory.controller.js';
import { AccessibleRooms } from './room-access/accessible-rooms.js';
import { EarlierEvents } from './room-access/earlier-events.js';
import { OWN_SERVER_NAME } from './room-access/own-server-name.js';
import { RoomEntitlement } from './room-access/room-entitlement.js';
import { StatesBeforeEvents } from './room-access/states-before-events.js';
import { VisiblePdus } from './room-access/visible-pdus.js';

const readers: (new (database: Database) => object)[] = [
  AliasReader,
  AuthChainReader,
  EventStateReader,
  EventTextReader,
  EventTimeReader,
  OpenIdTokenReader,
  ProfileReader,
  PublishedRoomReader,
  RoomReader,
  RoomServersReader,
  ServerViewReader,
  SpaceReader,
  StateReader,
];

/** What other servers read: events and state of rooms that they are in, and what this server publishes. */
@Module({
  controllers: [
    BackfillRoomController,
    ExchangeOpenIdTokenController,
    GetEventController,
    GetEventAuthController,
    GetEventByTimestampController,
    GetMissingPreviousEventsController,
    GetRoomComplexityController,
    GetRoomStateController,
    GetRoomStateIdsController,
    GetSpaceHierarchyController,
    PublicRoomsController,
    QueryProfileController,
    QueryRoomDirectoryController,
  ],
  providers: [
    AccessibleRooms,
    EarlierEvents,
    GetSpaceHierarchyHandler,
    RoomEntitlement,
    StatesBeforeEvents,
    VisiblePdus,
  ],
})
export class RoomReadsModule {
  static on({ config, database }: Platform): DynamicModule {
    const providers: Provider[] = [
      { provide: OWN_SERVER_NAME, useValue: config.serverName },
      ...readers.map((reader) => ({ provide: reader, useValue: new reader(database) })),
    ];
    return { module: RoomReadsModule, providers, exports: [RoomEntitlement, ...providers] };
  }
}
