import { join } from 'node:path';
import { type Config, connectedConfig } from '@atoll/config';
import { assertSchemaIsCurrent, type Database, openDatabase } from '@atoll/database';
import { createLogger, type Logger, logError } from '@atoll/telemetry';
import { DiskStorage } from './storage/disk-storage.js';

/** What this service stands on. */
export interface Platform {
  readonly config: Config;
  readonly logger: Logger;
  readonly database: Database;
  readonly storage: DiskStorage;
  close(): Promise<void>;
}

/**
 * Opens the database and the folder of files.
 * @throws ConfigError without addresses, SchemaOutdated when migrations are missing
 */
export async function openPlatform(config: Config): Promise<Platform> {
  const { databaseUrl, databasePoolSize, logLevel, instanceId, dataDir } = connectedConfig(config);
  const logger = createLogger('media', logLevel);
  const database = openDatabase({
    url: databaseUrl,
    poolSize: databasePoolSize,
    applicationName: `media-${instanceId}`,
    onIdleError: (error) => {
      logError(logger, error, 'A database connection broke');
    },
  });
  await assertSchemaIsCurrent(database.db);
  const storage = await DiskStorage.open(join(dataDir, 'media'));
  return { config, logger, database, storage, close: () => database.close() };
}
