import type { PostgresServer } from '@atoll/embedded';
import { startCluster, type Cluster, type ClusterOptions } from '@atoll/testing';
import type { Bench } from '../benchmark.js';
import { startOwnRedis } from './servers.js';

const NONE = {
  'client-api': 0,
  'room-state': 0,
  'federation-sender': 0,
  'federation-receiver': 0,
  media: 0,
  push: 0,
};

export interface Services {
  readonly cluster: Cluster;
  readonly redisPid: number;
}

/** Processes of the services named, on a database and a Redis of their own; rate limits are off. */
export async function startServices(
  bench: Bench,
  postgres: PostgresServer,
  database: string,
  instances: ClusterOptions['instances'],
  env: Record<string, string> = {},
): Promise<Services> {
  const redis = await startOwnRedis(bench);
  const cluster = await startCluster({
    databaseUrl: await postgres.createDatabase(database),
    redisUrl: redis.url,
    instances: { ...NONE, ...instances },
    env: {
      ATOLL_RATE_LIMITS: 'off',
      ATOLL_LOG_LEVEL: 'warn',
      // Registrations are not what is measured.
      ATOLL_PASSWORD_HASH_MEMORY_KIB: '64',
      ATOLL_PASSWORD_HASH_ITERATIONS: '1',
      ...env,
      NODE_OPTIONS: [env['NODE_OPTIONS'], profiling(bench)].join(' ').trim(),
    },
  });
  bench.atEnd(() => cluster.stop());
  return { cluster, redisPid: redis.pid };
}

function profiling({ profileDir }: Bench): string {
  return profileDir === undefined ? '' : `--cpu-prof --cpu-prof-dir=${profileDir}`;
}
