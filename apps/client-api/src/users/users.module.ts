import {
  type Database,
  IndexProgressReader,
  MutualRoomReader,
  UserDirectoryIndex,
  UserDirectoryReader,
} from '@atoll/database';
import { Module, type Provider } from '@nestjs/common';
import { DATABASE } from '../platform/tokens.js';
import { GetMutualRoomsController } from './get-mutual-rooms.controller.js';
import { SearchUserDirectoryController } from './search-user-directory.controller.js';
import { UserDirectoryKeeper } from './user-directory-keeper.js';

const onDatabase = [IndexProgressReader, MutualRoomReader, UserDirectoryIndex, UserDirectoryReader].map(
  (type: new (database: Database) => object): Provider => {
    return { provide: type, useFactory: (database: Database) => new type(database), inject: [DATABASE] };
  },
);

/** Finding other users, and what one has in common with them. */
@Module({
  controllers: [GetMutualRoomsController, SearchUserDirectoryController],
  providers: [...onDatabase, UserDirectoryKeeper],
})
export class UsersModule {}
