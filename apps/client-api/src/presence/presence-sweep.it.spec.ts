import { PresenceReader } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { Announcer, connectRedis, type RedisConnection } from '@atoll/redis-streams';
import { createLogger } from '@atoll/telemetry';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { startTestClientApi, type TestClientApi } from '../test-client-api.spec-support.js';
import { setByUser } from './presence-changes.js';
import { PresenceMemory, type PresentDevice } from './presence-memory.js';
import { PresenceSweep } from './presence-sweep.js';
import { PresenceWriter } from './presence-writer.js';

const alice = '@alice:hs1' as UserId;
const eve = '@eve:hs2' as UserId;
const MINUTE = 60_000;
const device = (said: PresentDevice['said'], deviceId = 'A'): PresentDevice => ({
  userId: alice,
  deviceId,
  said,
});

describe('the memory of who syncs and its sweep', () => {
  let api: TestClientApi;
  let redis: RedisConnection;
  let memory: PresenceMemory;
  let reader: PresenceReader;
  let writer: PresenceWriter;
  let sweep: PresenceSweep;

  beforeAll(async () => {
    // The sweep of the service itself does nothing.
    api = await startTestClientApi({ ATOLL_PRESENCE: 'off' });
    redis = connectRedis(api.redisUrl, 'spec');
    await new Promise((resolve) => redis.once('ready', resolve));
    reader = new PresenceReader(api.database);
    writer = new PresenceWriter(api.database, new Announcer(redis));
    memory = new PresenceMemory(redis);
    sweep = new PresenceSweep(api.config, createLogger('client-api', 'silent'), memory, reader, writer);
  });
  beforeEach(async () => {
    await redis.flushall();
    await writer.change([alice], setByUser('online', null, Date.now()));
    await memory.ages([], 0);
  });
  afterAll(async () => {
    redis.disconnect();
    await api.close();
  });

  const presenceOf = async (userId: UserId) => (await reader.of(userId))?.presence;

  it('knows the devices of a user apart', async () => {
    const touch = async (...args: Parameters<typeof device>) =>
      Object.entries(await memory.touch(device(...args))).flatMap(([name, is]) => (is ? [name] : []));
    expect(await touch('online')).toEqual(['isOnline']);
    expect(await touch('online')).toEqual(['isSame', 'isKnown', 'isOnline']);
    await memory.touchAgain([device('online', 'B'), device('online', 'C')]);
    expect(await touch('unavailable')).toEqual(['isKnown', 'isOnline']);
    expect(await touch('unavailable', 'B')).toEqual(['isKnown', 'isOnline']);
    expect(await touch('unavailable', 'C')).toEqual(['isKnown']);
    expect(await touch('unavailable', 'C')).toEqual(['isSame', 'isKnown']);
    const [ages] = (await memory.ages([alice], 0)) ?? [];
    expect(ages?.online).toBe(Infinity);
    expect(ages?.unavailable).toBeLessThan(MINUTE);
  });

  it('sets those offline who do not sync, after a while', async () => {
    await sweep.sweep(Date.now() + 29_000, 0);
    expect(await presenceOf(alice)).toBe('online');
    await sweep.sweep(Date.now() + MINUTE, 0);
    expect(await presenceOf(alice)).toBe('offline');
  });

  it('sets those idle who sync and do nothing, or sync by idle devices only', async () => {
    await memory.touch(device('online'));
    await sweep.sweep(Date.now() + 2 * MINUTE, 0);
    expect(await presenceOf(alice)).toBe('online');
    await sweep.sweep(Date.now() + 6 * MINUTE, 0);
    expect(await presenceOf(alice)).toBe('unavailable');
    await writer.change([alice], setByUser('online', null, Date.now()));
    await memory.touch(device('unavailable'));
    await sweep.sweep(Date.now() + 2 * MINUTE, 0);
    expect(await presenceOf(alice)).toBe('unavailable');
  });

  it('sets nobody offline while Redis may have forgotten who syncs', async () => {
    await redis.flushall();
    for (let i = 0; i < 2; i++) await sweep.sweep(Date.now() + MINUTE, 10 * MINUTE);
    expect(await presenceOf(alice)).toBe('online');
    await sweep.sweep(Date.now() + MINUTE, 0);
    expect(await presenceOf(alice)).toBe('offline');
  });

  it('takes what could not be told to Redis for forgotten', async () => {
    const lonely = connectRedis('redis://127.0.0.1:1', 'spec');
    const cut = { eval: () => lonely.get('x'), del: (key: string) => redis.del(key) };
    const other = new PresenceMemory(cut as unknown as RedisConnection);
    await expect(other.touch(device('online'))).rejects.toThrow();
    lonely.disconnect();
    cut.eval = () => redis.get('x');
    await other.touchAgain([device('online')]);
    expect(await memory.ages([alice], 10 * MINUTE)).toBeUndefined();
  });

  it('changes nobody of whom it hears meanwhile', async () => {
    const racing = new PresenceReader(api.database);
    const found = racing.notOffline.bind(racing);
    racing.notOffline = async (query, limit) => {
      const page = await found(query, limit);
      await writer.change([alice], setByUser('online', 'back', Date.now() + 1));
      return page;
    };
    await new PresenceSweep(api.config, createLogger('client-api', 'silent'), memory, racing, writer).sweep(
      Date.now() + MINUTE,
      0,
    );
    expect(await reader.of(alice)).toMatchObject({ presence: 'online', statusMsg: 'back' });
  });

  it('lets go of users of other servers that are silent', async () => {
    await writer.change([eve], setByUser('online', null, Date.now()), { isLocal: false });
    await sweep.sweep(Date.now() + 29 * MINUTE, 0);
    expect(await presenceOf(eve)).toBe('online');
    await sweep.sweep(Date.now() + 31 * MINUTE, 0);
    expect(await presenceOf(eve)).toBe('offline');
  });

  it('takes turns, and forgets who has not synced for long', async () => {
    expect([await memory.takeSweep(MINUTE), await memory.takeSweep(MINUTE)]).toEqual([true, false]);
    await memory.touch(device('online'));
    await memory.forget(MINUTE);
    expect(await redis.zcard('{atoll:presence}:online')).toBe(2);
    await redis.zadd('{atoll:presence}:online', 1, 'old');
    await memory.forget(MINUTE);
    expect(await redis.zcard('{atoll:presence}:online')).toBe(2);
  });
});
