import { join } from 'node:path';
import type { Config } from '@atoll/config';
import { type Connections, openConnections } from '@atoll/service';
import { DiskStorage } from './storage/disk-storage.js';

/** What this service stands on. */
export interface Platform extends Connections {
  readonly storage: DiskStorage;
  close(): Promise<void>;
}

/** Opens the database and the folder of files. */
export async function openPlatform(config: Config): Promise<Platform> {
  const connections = await openConnections(config, 'media');
  const storage = await DiskStorage.open(join(config.dataDir, 'media'));
  return { ...connections, storage, close: () => connections.database.close() };
}
