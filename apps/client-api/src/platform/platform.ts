import type { Config } from '@atoll/config';
import { OwnerDirectory } from '@atoll/leases';
import {
  Announcer,
  CommandClient,
  connectRedis,
  type RedisConnection,
  ReplyStream,
} from '@atoll/redis-streams';
import { type Connections, openConnections } from '@atoll/service';

/** What this service stands on: its configuration, PostgreSQL, Redis, and the way to room-state. */
export interface Platform extends Connections {
  readonly redis: RedisConnection;
  /** Asks room-state. */
  readonly commands: CommandClient;
  /** Who owns the partitions of rooms. */
  readonly owners: OwnerDirectory;
  readonly announcer: Announcer;
  close(): Promise<void>;
}

export async function openPlatform(config: Config): Promise<Platform> {
  const connections = await openConnections(config, 'client-api');
  const { database, instance } = connections;
  const redis = connectRedis(connections.config.redisUrl, instance);
  const replies = new ReplyStream(redis, instance);
  replies.start();
  const owners = new OwnerDirectory(database, 'room-state');
  const commands = new CommandClient({ redis, service: 'room-state', replies, owners });
  const close = async () => {
    commands.stop();
    await replies.stop();
    redis.disconnect();
    await database.close();
  };
  return { ...connections, redis, commands, owners, announcer: new Announcer(redis), close };
}
