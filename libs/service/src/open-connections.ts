import { type Config, type ConnectedConfig, connectedConfig } from '@atoll/config';
import type { ServiceName } from '@atoll/contract';
import { assertSchemaIsCurrent, type Database, type DatabaseOptions, openDatabase } from '@atoll/database';
import { createLogger, type Logger, logError } from '@atoll/telemetry';

/** PostgreSQL keeps no more of a session's name. */
const MAX_INSTANCE_NAME = 63;

/** What every service stands on. */
export interface Connections {
  readonly config: ConnectedConfig;
  /** Unique over the running instances of all services: its name in leases, streams and PostgreSQL sessions. */
  readonly instance: string;
  readonly logger: Logger;
  readonly database: Database;
}

/**
 * Opens the database of one instance of a service. The caller closes it.
 * @throws ConfigError without addresses, SchemaOutdated when migrations are missing
 */
export async function openConnections(
  config: Config,
  service: ServiceName,
  options: Pick<DatabaseOptions, 'pipeline'> = {},
): Promise<Connections> {
  const connected = connectedConfig(config);
  const instance = `${service}-${config.instanceId}`.slice(0, MAX_INSTANCE_NAME);
  const logger = createLogger(service, config.logLevel);
  const database = openDatabase({
    url: connected.databaseUrl,
    poolSize: config.databasePoolSize,
    applicationName: instance,
    ...options,
    onIdleError: (error) => {
      logError(logger, error, 'A database connection broke');
    },
  });
  await assertSchemaIsCurrent(database.db);
  return { config: connected, instance, logger, database };
}
