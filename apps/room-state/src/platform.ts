import { type Config, connectedConfig, readOrCreateSecretFile } from '@atoll/config';
import { assertSchemaIsCurrent, type Database, openDatabase } from '@atoll/database';
import { formatSigningKey, generateSigningKey, parseSigningKey, type SigningKey } from '@atoll/event-crypto';
import { connectRedis, type RedisConnection } from '@atoll/redis-streams';
import { createLogger, type Logger, logError } from '@atoll/telemetry';

/** What this service stands on. */
export interface Platform {
  readonly config: Config;
  /** Unique over the running instances of all services: its name in leases, streams and PostgreSQL sessions. */
  readonly instance: string;
  readonly logger: Logger;
  readonly database: Database;
  readonly redis: RedisConnection;
  /** Signs the events of this server. */
  readonly signingKey: SigningKey;
  close(): Promise<void>;
}

/**
 * Opens the connections and reads the signing key, which is made when missing.
 * @throws ConfigError without addresses, SchemaOutdated when migrations are missing
 */
export async function openPlatform(config: Config): Promise<Platform> {
  const { databaseUrl, redisUrl, databasePoolSize, logLevel, instanceId, signingKeyFile } =
    connectedConfig(config);
  const instance = `room-state-${instanceId}`;
  const logger = createLogger('room-state', logLevel);
  const database = openDatabase({
    url: databaseUrl,
    poolSize: databasePoolSize,
    applicationName: instance,
    onIdleError: (error) => {
      logError(logger, error, 'A database connection broke');
    },
  });
  await assertSchemaIsCurrent(database.db);
  const keyText = await readOrCreateSecretFile(signingKeyFile, () => formatSigningKey(generateSigningKey()));
  const redis = connectRedis(redisUrl, instance);
  const close = async () => {
    redis.disconnect();
    await database.close();
  };
  return { config, instance, logger, database, redis, signingKey: parseSigningKey(keyText), close };
}
