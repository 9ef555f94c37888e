import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { DeviceId, UserId } from '@atoll/matrix';
import { startTestClientApi, type TestClientApi, type TestUser } from './test-client-api.spec-support.js';

let api: TestClientApi;
let alice: TestUser;
beforeAll(async () => {
  api = await startTestClientApi();
  alice = await api.register('alice');
});
afterAll(() => api.close());

const user_id = '@alice:hs1' as UserId;
const numbered = <T>(count: number, make: (n: number) => T) =>
  Array.from({ length: count }, (_, n) => make(n));
const call = async (method: string, path: string, body: object) => {
  const answer = await api.request(method, path, { token: alice.token, body: { ...body } });
  return [answer.status, answer.body['errcode']];
};
const atLimit = [403, 'M_RESOURCE_LIMIT_EXCEEDED'];

it('keeps a bounded number of filters, none of them large', async () => {
  const upload = (filter: object) => call('POST', '/user/@alice:hs1/filter', filter);
  expect(await upload({ room: { timeline: { types: numbered(7000, (n) => `type-${n}`) } } })).toEqual([
    413,
    'M_TOO_LARGE',
  ]);
  expect(await upload({ event_fields: ['kept'] })).toEqual([200, undefined]);
  const rows = numbered(999, (n) => ({ user_id, filter_id: `f${n}`, definition: '{}' }));
  await api.database.db.insertInto('filters').values(rows).execute();
  expect(await upload({ event_fields: ['new'] })).toEqual(atLimit);
  expect(await upload({ event_fields: ['kept'] })).toEqual([200, undefined]);
});

it('keeps a bounded number of bytes and of entries of account data', async () => {
  const put = (type: string, content: object) =>
    call('PUT', `/user/@alice:hs1/account_data/${type}`, content);
  const large = { text: 'x'.repeat(1_000_000) };
  for (const type of ['a', 'b', 'c', 'd']) expect(await put(type, large)).toEqual([200, undefined]);
  expect(await put('e', large)).toEqual(atLimit);
  expect(await put('d', large)).toEqual([200, undefined]);
  expect(await put('d', {})).toEqual([200, undefined]);
  const rows = numbered(9_996, (n) => {
    return { user_id, room_id: '' as const, type: `t${n}`, content: '{}', position: n + 100 };
  });
  for (let at = 0; at < rows.length; at += 5000) {
    await api.database.db
      .insertInto('account_data')
      .values(rows.slice(at, at + 5000))
      .execute();
  }
  expect(await put('another', {})).toEqual(atLimit);
  expect(await put('d', { changed: true })).toEqual([200, undefined]);
});

it('keeps a bounded number of devices', async () => {
  const rows = numbered(998, (n) => ({ user_id, device_id: `D${n}` as DeviceId, last_seen_ts: 0 }));
  await api.database.db.insertInto('devices').values(rows).execute();
  expect((await api.logIn('alice')).userId).toBe(user_id);
  const logIn = async (device_id: string) => {
    const body = { type: 'm.login.password', user: 'alice', password: 'correct horse', device_id };
    const answer = await api.request('POST', '/login', { body });
    return [answer.status, answer.body['errcode']];
  };
  expect(await logIn('NEW')).toEqual(atLimit);
  expect(await logIn('D5')).toEqual([200, undefined]);
});
