import { join } from 'node:path';
import { type Config, loadConfig } from '@atoll/config';
import { type Database, openDatabase } from '@atoll/database';
import { readServerRecord, startPostgres } from '@atoll/embedded';
import { connectRedis, type RedisConnection } from '@atoll/redis-streams';
import { CommandFailed } from './command-failed.js';

/**
 * Runs a command with the configured database: the one that a URL names, else the embedded one of the data folder, which
 * is started for the time of the command when Atoll does not run.
 */
export async function withDatabase<T>(work: (database: Database, config: Config) => Promise<T>): Promise<T> {
  const config = loadConfig();
  const postgres = await findPostgres(config);
  const database = openDatabase({
    url: postgres.url,
    poolSize: 2,
    applicationName: `ctl-${process.pid}`,
    statementTimeoutMs: 0,
  });
  try {
    return await work(database, config);
  } finally {
    await database.close();
    await postgres.stop();
  }
}

async function findPostgres(config: Config): Promise<{ url: string; stop(): Promise<void> }> {
  const keep = () => Promise.resolve();
  if (config.databaseUrl) return { url: config.databaseUrl, stop: keep };
  const dataDir = join(config.dataDir, 'postgres');
  const record = await readServerRecord(dataDir);
  if (record) return { url: record.url, stop: keep };
  const server = await startPostgres({ dataDir, persistent: true });
  return { url: await server.createDatabase('atoll'), stop: () => server.stop() };
}

/** @throws CommandFailed when neither a URL nor a running Atoll tells where Redis is */
export async function withRedis<T>(work: (redis: RedisConnection) => Promise<T>): Promise<T> {
  const config = loadConfig();
  const url = config.redisUrl ?? (await readServerRecord(join(config.dataDir, 'redis')))?.url;
  if (url === undefined) throw new CommandFailed('Atoll does not run, and no ATOLL_REDIS_URL is set');
  const redis = connectRedis(url, `ctl-${process.pid}`);
  try {
    await new Promise<void>((resolve, reject) => {
      redis.once('ready', resolve);
      redis.once('error', () => {
        reject(new CommandFailed('Redis does not answer'));
      });
    });
    return await work(redis);
  } finally {
    redis.disconnect();
  }
}
