import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config, ConnectedConfig } from '@atoll/config';
import { startPostgres, startRedis } from '@atoll/embedded';

export interface EmbeddedServers {
  /** The configuration with the addresses of what was started. */
  readonly config: ConnectedConfig;
  /** Stops what was started, nothing else. */
  stop(): Promise<void>;
}

/** Starts a PostgreSQL and a Redis in the data folder, each unless the configuration names an existing one. */
export async function startEmbeddedServers(
  config: Config,
  say: (line: string) => void,
): Promise<EmbeddedServers> {
  const { dataDir } = config;
  await mkdir(dataDir, { recursive: true });
  const postgres = config.databaseUrl
    ? undefined
    : await startPostgres({ dataDir: join(dataDir, 'postgres'), persistent: true });
  const redis = config.redisUrl ? undefined : await startRedis({ dataDir: join(dataDir, 'redis'), say });
  const databaseUrl = config.databaseUrl ?? (await postgres?.createDatabase('atoll')) ?? '';
  const redisUrl = config.redisUrl ?? redis?.url ?? '';
  return {
    config: { ...config, databaseUrl, redisUrl },
    async stop() {
      await Promise.all([postgres?.stop(), redis?.stop()]);
    },
  };
}
