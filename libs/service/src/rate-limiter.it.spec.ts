import { once } from 'node:events';
import { testRedis } from '@atoll/embedded';
import { connectRedis, type RedisConnection } from '@atoll/redis-streams';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { RateLimiter } from './rate-limiter.js';

const rates = {
  few: { burst: 2, everyMs: 60_000 },
  many: { burst: 10, everyMs: 60_000 },
  other: { burst: 1, everyMs: 60_000 },
};
const REFUSED = { status: 429, errcode: 'M_LIMIT_EXCEEDED' };
let server: Awaited<ReturnType<typeof testRedis>>;
let connections: RedisConnection[];

beforeAll(async () => {
  server = await testRedis();
  connections = ['one', 'two'].map((name) => connectRedis(server.url, name));
  await Promise.all(connections.map((redis) => once(redis, 'ready')));
});
afterAll(async () => {
  for (const redis of connections) redis.disconnect();
  await server.stop();
});

const limiters = (rateLimits = true) =>
  connections.map((redis) => new RateLimiter({ rateLimits }, redis, rates));

it('counts over all instances, each subject and each limit by itself', async () => {
  const [one, two] = limiters();
  await one?.take('few', 'alice');
  await two?.take('few', 'alice');
  const refusal = await one?.take('few', 'alice').catch((error: unknown) => error);
  expect(refusal).toMatchObject(REFUSED);
  const { retry_after_ms: wait } = (refusal as { extra: { retry_after_ms: number } }).extra;
  expect(wait).toBeGreaterThan(0);
  expect(wait).toBeLessThanOrEqual(60_000);
  await two?.take('few', 'bob');
  await two?.take('other', 'alice');
});

it('takes several at once, or none of them', async () => {
  const [one] = limiters();
  await one?.take('many', 'dave', 6);
  await expect(one?.take('many', 'dave', 5)).rejects.toMatchObject(REFUSED);
  await one?.take('many', 'dave', 4);
  await expect(one?.take('many', 'dave')).rejects.toMatchObject(REFUSED);
});

it('lets everything through when limits are off, or Redis is away', async () => {
  const [off] = limiters(false);
  for (let i = 0; i < 5; i++) await off?.take('other', 'carol');
  const gone = connectRedis(server.url, 'gone');
  gone.disconnect();
  const without = new RateLimiter({ rateLimits: true }, gone, rates);
  for (let i = 0; i < 5; i++) await without.take('other', 'carol');
});
