import { type Database, EventIndex, EventSearchReader, IndexProgressReader } from '@atoll/database';
import { Module, type Provider } from '@nestjs/common';
import { EventsModule } from '../events/events.module.js';
import { DATABASE } from '../platform/tokens.js';
import { RoomsModule } from '../rooms/rooms.module.js';
import { EventSearchKeeper } from './event-search-keeper.js';
import { ResultContexts } from './result-contexts.js';
import { ResultStates } from './result-states.js';
import { SearchController } from './search.controller.js';
import { SearchHandler } from './search.handler.js';
import { SearchMatches } from './search-matches.js';
import { SearchTokens } from './search-token.js';
import { SearchableRooms } from './searchable-rooms.js';

const onDatabase = [EventIndex, EventSearchReader, IndexProgressReader].map(
  (type: new (database: Database) => object): Provider => {
    return { provide: type, useFactory: (database: Database) => new type(database), inject: [DATABASE] };
  },
);

/** Full text search over the events of a user's rooms, and the index that it needs. */
@Module({
  imports: [EventsModule, RoomsModule],
  controllers: [SearchController],
  providers: [
    ...onDatabase,
    EventSearchKeeper,
    ResultContexts,
    ResultStates,
    SearchHandler,
    SearchMatches,
    SearchTokens,
    SearchableRooms,
  ],
})
export class SearchModule {}
