import { AccountDataChanged } from '@atoll/contract';
import { AccountDataReader } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { AnnouncementReader, connectRedis } from '@atoll/redis-streams';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestClientApi, type TestClientApi, type TestUser } from '../test-client-api.spec-support.js';

let api: TestClientApi;
let alice: TestUser;
beforeAll(async () => {
  api = await startTestClientApi();
  alice = await api.register('alice');
});
afterAll(() => api.close());

const GLOBAL = '/user/@alice:hs1/account_data/org.example';
const ROOM = '/user/@alice:hs1/rooms/!room:hs1/account_data/org.example';
const put = (path: string, body: object | string) =>
  api.request('PUT', path, { token: alice.token, body: typeof body === 'string' ? body : { ...body } });
const get = (path: string) => api.request('GET', path, { token: alice.token });

it('keeps global data and data of rooms apart', async () => {
  expect((await get(GLOBAL)).body['errcode']).toBe('M_NOT_FOUND');
  expect((await put(GLOBAL, { global: true })).body).toEqual({});
  await put(ROOM, { room: true });
  expect([(await get(GLOBAL)).body, (await get(ROOM)).body]).toEqual([{ global: true }, { room: true }]);
});

it('gives each change the next position', async () => {
  const reader = new AccountDataReader(api.database);
  for (const n of [1, 2]) await put(`${GLOBAL}.counted`, { n });
  await put(`${ROOM}.counted`, { n: 3 });
  const changes = await reader.changes('@alice:hs1' as UserId, 0, Number.MAX_SAFE_INTEGER);
  const counted = changes.filter(({ type }) => type === 'org.example.counted');
  expect(counted.map(({ content }) => content['n'])).toEqual([2, 3]);
  expect(counted[1]?.position).toBeGreaterThan(counted[0]?.position ?? Infinity);
});

it('announces the change after the commit', async () => {
  const redis = connectRedis(api.redisUrl, 'spec');
  const subscribed = Promise.withResolvers<undefined>();
  const heard = Promise.withResolvers<object>();
  const reader = new AnnouncementReader(redis, 'spec', () => {
    subscribed.resolve(undefined);
  });
  reader.on(AccountDataChanged, (payload) => {
    heard.resolve(payload);
  });
  reader.start();
  await subscribed.promise;
  await put(GLOBAL, { again: true });
  expect(await heard.promise).toEqual({ position: expect.any(Number), userId: '@alice:hs1' });
  await reader.stop();
  redis.disconnect();
});

it.each(['m.fully_read', 'm.push_rules'])('leaves %s to the server', async (type) => {
  for (const path of [
    `/user/@alice:hs1/account_data/${type}`,
    `/user/@alice:hs1/rooms/!room:hs1/account_data/${type}`,
  ]) {
    const { status, body } = await put(path, {});
    expect([status, body['errcode']]).toEqual([405, 'M_BAD_JSON']);
  }
});

it("refuses others' data, rooms that are none, and what is no object", async () => {
  expect((await put('/user/@bob:hs1/account_data/x', {})).body['errcode']).toBe('M_FORBIDDEN');
  expect((await get('/user/@bob:hs1/rooms/!r:hs1/account_data/x')).body['errcode']).toBe('M_FORBIDDEN');
  expect((await put('/user/@alice:hs1/rooms/@alice:hs1/account_data/x', {})).body['errcode']).toBe(
    'M_INVALID_PARAM',
  );
  expect((await get('/user/@alice:hs1/rooms/@alice:hs1/account_data/x')).body['errcode']).toBe(
    'M_INVALID_PARAM',
  );
  expect((await put(GLOBAL, '"text"')).body['errcode']).toBe('M_BAD_JSON');
  expect((await put(GLOBAL, 'text')).body['errcode']).toBe('M_NOT_JSON');
});
