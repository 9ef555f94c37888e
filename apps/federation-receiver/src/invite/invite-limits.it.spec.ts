import { once } from 'node:events';
import type { Config } from '@atoll/config';
import { testRedis } from '@atoll/embedded';
import type { ServerName } from '@atoll/matrix';
import { connectRedis, type RedisConnection } from '@atoll/redis-streams';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { InviteLimits } from './invite-limits.js';

const REFUSED = {
  status: 429,
  errcode: 'M_LIMIT_EXCEEDED',
  extra: { retry_after_ms: expect.any(Number) },
};
const serverName = 'hs1' as ServerName;

describe('invites by other servers', () => {
  let server: Awaited<ReturnType<typeof testRedis>>;
  let redis: RedisConnection;
  beforeAll(async () => {
    server = await testRedis();
    redis = connectRedis(server.url, 'spec');
    await once(redis, 'ready');
  });
  afterAll(async () => {
    redis.disconnect();
    await server.stop();
  });
  beforeEach(() => redis.flushall());

  const limits = (rateLimits = true) => new InviteLimits({ serverName, rateLimits } as Config, redis);
  const take = (origin: string, invited: string, by = limits()) => by.take(origin as ServerName, invited);

  it('of one user are few from one server, and leave others their share', async () => {
    for (let i = 0; i < 10; i++) await take('hs2', '@alice:hs1');
    await expect(take('hs2', '@alice:hs1')).rejects.toMatchObject(REFUSED);
    await take('hs2', '@bob:hs1');
    await take('hs3', '@alice:hs1');
  });

  it('of one user are bounded from all servers together', async () => {
    for (let i = 0; i < 30; i++) await take(`hs${i + 2}`, '@alice:hs1');
    await expect(take('hs40', '@alice:hs1')).rejects.toMatchObject(REFUSED);
    await take('hs40', '@bob:hs1');
  });

  it('are bounded from one server, whomever it invites', async () => {
    for (let i = 0; i < 100; i++) await take('hs2', i % 2 === 0 ? `@u${i}:hs1` : `@u${i}:elsewhere`);
    await expect(take('hs2', '@alice:hs1')).rejects.toMatchObject(REFUSED);
    await take('hs3', '@alice:hs1');
  });

  it('are unbounded when limits are off', async () => {
    for (let i = 0; i < 110; i++) await take('hs2', '@alice:hs1', limits(false));
  });
});
