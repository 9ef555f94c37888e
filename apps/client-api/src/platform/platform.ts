import { type Config, connectedConfig } from '@atoll/config';
import { assertSchemaIsCurrent, type Database, openDatabase } from '@atoll/database';
import { OwnerDirectory } from '@atoll/leases';
import {
  Announcer,
  CommandClient,
  connectRedis,
  type RedisConnection,
  ReplyStream,
} from '@atoll/redis-streams';
import { createLogger, type Logger, logError } from '@atoll/telemetry';

/** PostgreSQL keeps no more of a session's name. */
const MAX_APPLICATION_NAME = 63;

/** What this service stands on: its configuration, PostgreSQL, Redis, and the way to room-state. */
export interface Platform {
  readonly config: Config;
  readonly logger: Logger;
  readonly database: Database;
  readonly redis: RedisConnection;
  /** Asks room-state. */
  readonly commands: CommandClient;
  /** Who owns the partitions of rooms. */
  readonly owners: OwnerDirectory;
  readonly announcer: Announcer;
  close(): Promise<void>;
}

/**
 * Opens the connections.
 * @throws ConfigError without addresses, SchemaOutdated when migrations are missing
 */
export async function openPlatform(config: Config): Promise<Platform> {
  const { databaseUrl, redisUrl, databasePoolSize, logLevel, instanceId } = connectedConfig(config);
  const name = `client-api-${instanceId}`;
  const logger = createLogger('client-api', logLevel);
  const database = openDatabase({
    url: databaseUrl,
    poolSize: databasePoolSize,
    applicationName: name.slice(0, MAX_APPLICATION_NAME),
    onIdleError: (error) => {
      logError(logger, error, 'A database connection broke');
    },
  });
  await assertSchemaIsCurrent(database.db);
  const redis = connectRedis(redisUrl, name);
  const replies = new ReplyStream(redis, name);
  replies.start();
  const owners = new OwnerDirectory(database, 'room-state');
  const commands = new CommandClient({ redis, service: 'room-state', replies, owners });
  const close = async () => {
    commands.stop();
    await replies.stop();
    redis.disconnect();
    await database.close();
  };
  return { config, logger, database, redis, commands, owners, announcer: new Announcer(redis), close };
}
