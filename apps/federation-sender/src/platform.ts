import { type Config, connectedConfig } from '@atoll/config';
import { assertSchemaIsCurrent, type Database, openDatabase } from '@atoll/database';
import { createLogger, type Logger, logError } from '@atoll/telemetry';

/** What this service stands on. */
export interface Platform {
  readonly config: Config;
  /** Unique over the running instances of all services: its name in leases and PostgreSQL sessions. */
  readonly instance: string;
  readonly logger: Logger;
  /** For leases alone: their heartbeats must not queue behind other work. */
  readonly leaseDatabase: Database;
  close(): Promise<void>;
}

/**
 * Opens the database.
 * @throws ConfigError without addresses, SchemaOutdated when migrations are missing
 */
export async function openPlatform(config: Config): Promise<Platform> {
  const { databaseUrl, logLevel, instanceId } = connectedConfig(config);
  const instance = `federation-sender-${instanceId}`;
  const logger = createLogger('federation-sender', logLevel);
  const leaseDatabase = openDatabase({
    url: databaseUrl,
    poolSize: 2,
    applicationName: instance,
    statementTimeoutMs: 2000,
    onIdleError: (error) => {
      logError(logger, error, 'A database connection broke');
    },
  });
  await assertSchemaIsCurrent(leaseDatabase.db);
  return { config, instance, logger, leaseDatabase, close: () => leaseDatabase.close() };
}
