import { type Database, DeviceListReader, KeyCountReader, SharedRoomReader } from '@atoll/database';
import { Module, type Provider } from '@nestjs/common';
import { DATABASE } from '../../platform/tokens.js';
import { DeviceListChanges } from './device-list-changes.js';
import { KeyNews } from './key-news.js';

const readers = [DeviceListReader, KeyCountReader, SharedRoomReader].map(
  (reader: new (database: Database) => object): Provider => {
    return { provide: reader, useFactory: (database: Database) => new reader(database), inject: [DATABASE] };
  },
);

/** What syncs tell of keys. */
@Module({
  providers: [...readers, DeviceListChanges, KeyNews],
  exports: [DeviceListChanges, KeyCountReader, KeyNews],
})
export class KeyNewsModule {}
