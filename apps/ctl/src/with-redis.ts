import { join } from 'node:path';
import { loadConfig } from '@atoll/config';
import { readServerRecord } from '@atoll/embedded';
import { connectRedis, type RedisConnection } from '@atoll/redis-streams';
import { CommandFailed } from './command-failed.js';

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
