import { type Config, connectedConfig, readOrCreateSecretFile } from '@atoll/config';
import { assertSchemaIsCurrent, type Database, openDatabase } from '@atoll/database';
import { formatSigningKey, generateSigningKey, parseSigningKey, type SigningKey } from '@atoll/event-crypto';
import { createLogger, type Logger, logError } from '@atoll/telemetry';

/** What this service stands on. */
export interface Platform {
  readonly config: Config;
  readonly logger: Logger;
  readonly database: Database;
  /** Signs what this server says about keys, its own and others'. */
  readonly signingKey: SigningKey;
  close(): Promise<void>;
}

/**
 * Opens the database and reads the signing key, which is made when missing.
 * @throws ConfigError without addresses, SchemaOutdated when migrations are missing
 */
export async function openPlatform(config: Config): Promise<Platform> {
  const { databaseUrl, databasePoolSize, logLevel, instanceId, signingKeyFile } = connectedConfig(config);
  const logger = createLogger('federation-receiver', logLevel);
  const database = openDatabase({
    url: databaseUrl,
    poolSize: databasePoolSize,
    applicationName: `federation-receiver-${instanceId}`,
    onIdleError: (error) => {
      logError(logger, error, 'A database connection broke');
    },
  });
  await assertSchemaIsCurrent(database.db);
  const keyText = await readOrCreateSecretFile(signingKeyFile, () => formatSigningKey(generateSigningKey()));
  return { config, logger, database, signingKey: parseSigningKey(keyText), close: () => database.close() };
}
