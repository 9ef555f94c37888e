import { Logger } from '@nestjs/common';
import { Cluster, Redis, type RedisOptions } from 'ioredis';
import { parseRedisUrl, type RedisTarget } from './redis-url.js';

/** A connection to Redis, whichever way it is deployed. */
export type RedisConnection = Redis | Cluster;

const logger = new Logger('Redis');

/**
 * Opens a connection in the background; it reconnects for ever. Commands fail at once while there is no connection
 * (nothing queues without bound), so callers retry within their own deadline.
 */
export function connectRedis(url: string, name: string): RedisConnection {
  return logOncePerOutage(open(parseRedisUrl(url), name), name);
}

/** A second connection to the same Redis for blocking reads, which would hold up everything else. */
export function connectForBlocking(redis: RedisConnection, name: string): RedisConnection {
  const copy =
    redis instanceof Cluster
      ? redis.duplicate()
      : redis.duplicate({ connectionName: name, enableAutoPipelining: false });
  return logOncePerOutage(copy, name);
}

function open(target: RedisTarget, name: string): RedisConnection {
  const options = redisOptions(name);
  if (target.kind === 'single') return new Redis(target.url, options);
  const login = {
    ...(target.username && { username: target.username }),
    ...(target.password && { password: target.password }),
    ...(target.tls && { tls: {} }),
  };
  if (target.kind === 'sentinel') {
    const sentinels = [...target.nodes];
    return new Redis({
      ...options,
      ...login,
      sentinels,
      name: target.master,
      db: target.db,
      enableTLSForSentinelMode: target.tls,
      sentinelRetryStrategy: reconnectDelay,
    });
  }
  return new Cluster([...target.nodes], {
    redisOptions: { ...nodeOptions(name), ...login },
    clusterRetryStrategy: reconnectDelay,
    enableOfflineQueue: false,
    enableAutoPipelining: true,
    autoPipeliningIgnoredCommands: unpipelined,
  });
}

/** The transport batches its own writes by tick; waiting for a second tick would only add latency. */
const unpipelined = ['xadd', 'xdel', 'xread', 'xreadgroup'];

function redisOptions(name: string) {
  return {
    ...nodeOptions(name),
    enableOfflineQueue: false,
    retryStrategy: reconnectDelay,
  } satisfies RedisOptions;
}

function nodeOptions(name: string) {
  return {
    connectionName: name,
    connectTimeout: 5_000,
    /** For a peer that vanished without a word: no answer to a command for so long. Blocking reads return sooner. */
    socketTimeout: 10_000,
    autoResendUnfulfilledCommands: false,
    maxRetriesPerRequest: 0,
    /** A master that a failover made a replica. */
    reconnectOnError: (error: Error) => error.message.startsWith('READONLY'),
    enableAutoPipelining: true,
    autoPipeliningIgnoredCommands: unpipelined,
  } satisfies RedisOptions;
}

function reconnectDelay(attempt: number): number {
  return Math.min(50 * 2 ** Math.min(attempt, 6), 1_000) * (0.5 + Math.random() / 2);
}

function logOncePerOutage<Connection extends RedisConnection>(
  connection: Connection,
  name: string,
): Connection {
  let down = false;
  connection.on('error', (error: Error) => {
    if (!down) logger.error(`${name}: no connection to Redis: ${error.message}`);
    down = true;
  });
  connection.on('ready', () => {
    if (down) logger.log(`${name}: connected to Redis again`);
    down = false;
  });
  return connection;
}
