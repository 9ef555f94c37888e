import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestClientApi, type TestClientApi, type TestUser } from '../test-client-api.spec-support.js';

let api: TestClientApi;
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  api = await startTestClientApi({ ATOLL_RATE_LIMITS: 'on' });
  [alice, bob] = [await api.register('alice'), await api.register('bob')];
});
afterAll(() => api.close());

const statusOf = async (method: string, path: string, token?: string) =>
  (await api.request(method, path, { token })).status;
const statuses = async (count: number, method: string, path: string, token?: string) =>
  new Set(await Promise.all(Array.from({ length: count }, () => statusOf(method, path, token))));

// Twice as many as may come at once.
it.each([
  ['POST', '/user/@other:hs1/openid/request_token', 40],
  ['POST', '/rooms/wrong/leave', 200],
  ['POST', '/rooms/!unknown:hs1/forget', 200],
  ['GET', '/rooms/!unknown:hs1/aliases', 120],
  ['GET', '/_matrix/client/v1/rooms/!unknown:hs1/threads', 120],
  ['GET', '/capabilities', 120],
  ['GET', '/account/whoami', 120],
  ['GET', '/profile/@nobody:hs1', 240],
  ['GET', '/profile/@nobody:hs1/displayname', 240],
])('bounds %s %s of each user', async (method, path, count) => {
  expect(await statuses(count, method, path, alice.token)).toContain(429);
  expect(await statusOf(method, path, bob.token)).not.toBe(429);
});

it.each([
  ['GET', '/profile/@nobody:hs1', 240],
  ['GET', '/profile/@nobody:hs1/displayname', 240],
  ['GET', '/login', 240],
  ['POST', '/refresh', 240],
])('bounds %s %s of each address', async (method, path, count) => {
  expect(await statuses(count, method, path)).toContain(429);
});

it('reads profiles to users whose address has used up its share', async () => {
  const path = `/profile/${bob.userId}`;
  expect(await statuses(240, 'GET', path)).toContain(429);
  expect(await statusOf('GET', path, bob.token)).toBe(200);
});
