import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestClientApi, type TestClientApi, type TestUser } from '../test-client-api.spec-support.js';

let api: TestClientApi;
let alice: TestUser;
beforeAll(async () => {
  api = await startTestClientApi();
  alice = await api.register('alice');
});
afterAll(() => api.close());

const TAGS = '/user/@alice:hs1/rooms/!room:hs1/tags';
const call = (method: string, path: string, body?: object | string) =>
  api.request(method, path, {
    token: alice.token,
    ...(body !== undefined && { body: typeof body === 'string' ? body : { ...body } }),
  });

it('adds and removes tags, and shows them as account data too', async () => {
  expect((await call('GET', TAGS)).body).toEqual({ tags: {} });
  expect((await call('PUT', `${TAGS}/m.favourite`, { order: 0.25 })).body).toEqual({});
  await call('PUT', `${TAGS}/u.work`, {});
  const tags = { 'm.favourite': { order: 0.25 }, 'u.work': {} };
  expect((await call('GET', TAGS)).body).toEqual({ tags });
  expect((await call('GET', '/user/@alice:hs1/rooms/!room:hs1/account_data/m.tag')).body).toEqual({ tags });
  await call('DELETE', `${TAGS}/m.favourite`);
  await call('DELETE', `${TAGS}/never`);
  expect((await call('GET', TAGS)).body).toEqual({ tags: { 'u.work': {} } });
});

it('loses none of the tags that are set at once', async () => {
  const room = '/user/@alice:hs1/rooms/!many:hs1/tags';
  const names = Array.from({ length: 20 }, (_, n) => `u.tag${n}`);
  await Promise.all(names.map((name) => call('PUT', `${room}/${name}`, {})));
  const { tags } = (await call('GET', room)).body as { tags: object };
  expect(Object.keys(tags).sort()).toEqual(names.sort());
});

it("refuses others' tags, tags that are too long, and orders that are no numbers", async () => {
  const others = '/user/@bob:hs1/rooms/!room:hs1/tags';
  for (const answer of [
    await call('GET', others),
    await call('PUT', `${others}/x`, {}),
    await call('DELETE', `${others}/x`),
  ]) {
    expect([answer.status, answer.body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
  }
  expect((await call('PUT', `${TAGS}/${'x'.repeat(256)}`, {})).status).toBe(400);
  expect((await call('PUT', `${TAGS}/x`, { order: 'first' })).body['errcode']).toBe('M_BAD_JSON');
  expect((await call('PUT', `${TAGS}/x`, '[]')).body['errcode']).toBe('M_BAD_JSON');
});
