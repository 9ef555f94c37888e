import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestClientApi, type TestClientApi } from '../test-client-api.spec-support.js';

let api: TestClientApi;
beforeAll(async () => (api = await startTestClientApi({ ATOLL_RATE_LIMITS: 'on' })));
afterAll(() => api.close());

const logIn = (user: string) =>
  api.request('POST', '/login', { body: { type: 'm.login.password', user, password: 'wrong password' } });

it.each([
  ['POST', '/register', { username: 'taken', auth: { type: 'm.login.dummy' } }],
  ['GET', '/register/available?username=taken', undefined],
] as const)('lets nobody try many usernames with %s %s', async (method, path, body) => {
  const answers = await Promise.all(
    Array.from({ length: 60 }, () => api.request(method, path, { ...(body && { body }) })),
  );
  expect(answers.map(({ status }) => status)).toContain(429);
});

it('refuses too many logins of one account, and leaves others alone', async () => {
  const statuses: number[] = [];
  for (let i = 0; i < 10; i++) statuses.push((await logIn('alice')).status);
  expect(statuses).toEqual(Array.from({ length: 10 }, () => 403));
  const { status, body, headers } = await logIn('alice');
  expect([status, body['errcode']]).toEqual([429, 'M_LIMIT_EXCEEDED']);
  expect(body['retry_after_ms']).toBeGreaterThan(0);
  expect(body['retry_after_ms']).toBeLessThanOrEqual(10_000);
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
  expect((await logIn('bob')).status).toBe(403);
});
