import type { PostgresServer } from '@atoll/embedded';
import { startCluster, type Cluster, type ClusterOptions, type ServiceProcess } from '@atoll/testing';
import type { Bench } from '../benchmark.js';
import { startDurablePostgres, startOwnRedis } from './servers.js';

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

/** One process of each service that clients' syncs need, on a durable PostgreSQL. */
export async function startOneOfEach(
  bench: Bench,
  env?: Record<string, string>,
): Promise<{ readonly cluster: Cluster; readonly clientApi: ServiceProcess }> {
  const postgres = await startDurablePostgres(bench);
  const instances = { 'client-api': 1, 'room-state': 1, push: 1 };
  const { cluster } = await startServices(bench, postgres, 'atoll', instances, env);
  const [clientApi] = cluster.instances('client-api');
  if (!clientApi) throw new Error('there is no client-api');
  return { cluster, clientApi };
}

function profiling({ profileDir }: Bench): string {
  return profileDir === undefined ? '' : `--cpu-prof --cpu-prof-dir=${profileDir}`;
}
