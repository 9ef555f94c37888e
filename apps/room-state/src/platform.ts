import type { Config } from '@atoll/config';
import type { SigningKey } from '@atoll/event-crypto';
import type { FederationClient, FetchJson } from '@atoll/federation-client';
import { connectRedis, type RedisConnection } from '@atoll/redis-streams';
import { type Connections, loadSigningKey, openConnections, openFederationClient } from '@atoll/service';

/** What this service stands on. */
export interface Platform extends Connections {
  readonly redis: RedisConnection;
  /** Signs the events of this server. */
  readonly signingKey: SigningKey;
  /** Requests to other servers. */
  readonly federation: FederationClient;
  /** Reads what URLs in rooms lead to. */
  readonly fetchJson: FetchJson;
  close(): Promise<void>;
}

export async function openPlatform(config: Config): Promise<Platform> {
  const connections = await openConnections(config, 'room-state', { pipeline: true });
  const signingKey = await loadSigningKey(config);
  const { close: closeFederation, ...outbound } = await openFederationClient(config, signingKey);
  const redis = connectRedis(connections.config.redisUrl, connections.instance);
  const close = async () => {
    await closeFederation();
    redis.disconnect();
    await connections.database.close();
  };
  return { ...connections, redis, signingKey, ...outbound, close };
}
