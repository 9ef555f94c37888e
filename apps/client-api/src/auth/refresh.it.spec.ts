import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { PASSWORD, startTestClientApi, type TestClientApi, textOf } from '../test-client-api.spec-support.js';

let api: TestClientApi;
beforeAll(async () => {
  api = await startTestClientApi();
  await api.register('alice');
});
afterAll(() => api.close());

interface Tokens {
  readonly access: string;
  readonly refresh: string;
}

async function logIn(): Promise<Tokens> {
  const { body } = await api.request('POST', '/login', {
    body: { type: 'm.login.password', user: 'alice', password: PASSWORD, refresh_token: true },
  });
  expect(body).toMatchObject({ expires_in_ms: expect.any(Number) });
  return { access: textOf(body['access_token']), refresh: textOf(body['refresh_token']) };
}

const refresh = (token: string) => api.request('POST', '/refresh', { body: { refresh_token: token } });

async function refreshed(token: string): Promise<Tokens> {
  const { status, body } = await refresh(token);
  expect(status).toBe(200);
  expect(body['expires_in_ms']).toBeGreaterThan(0);
  return { access: textOf(body['access_token']), refresh: textOf(body['refresh_token']) };
}

async function expectUnknown(token: string) {
  const { status, body } = await refresh(token);
  expect([status, body['errcode']]).toEqual([401, 'M_UNKNOWN_TOKEN']);
}

it('gives no refresh token unasked', async () => {
  const { body } = await api.request('POST', '/login', {
    body: { type: 'm.login.password', user: 'alice', password: PASSWORD },
  });
  expect(body).not.toHaveProperty('refresh_token');
  expect(body).not.toHaveProperty('expires_in_ms');
});

it('keeps the old refresh token until the new access token is used', async () => {
  const first = await logIn();
  const lost = await refreshed(first.refresh);
  const second = await refreshed(first.refresh);
  expect(await api.statusOf(lost.access)).toBe(401);
  expect(await api.statusOf(first.access)).toBe(200);
  expect(await api.statusOf(second.access)).toBe(200);
  expect(await api.statusOf(first.access)).toBe(401);
  await expectUnknown(first.refresh);
  await refreshed(second.refresh);
});

it('keeps the old refresh token until the new refresh token is used', async () => {
  const first = await logIn();
  const second = await refreshed(first.refresh);
  const third = await refreshed(second.refresh);
  await expectUnknown(first.refresh);
  expect(await api.statusOf(second.access)).toBe(200);
  expect(await api.statusOf(third.access)).toBe(200);
  await expectUnknown(second.refresh);
});

it('tells an expired access token from a dead one, and lets it be refreshed', async () => {
  const tokens = await logIn();
  await api.database.db
    .updateTable('access_tokens')
    .set({ expires_ts: 1 })
    .where('refresh_hash', 'is not', null)
    .execute();
  const { status, body } = await api.request('GET', '/account/whoami', { token: tokens.access });
  expect([status, body]).toEqual([
    401,
    expect.objectContaining({ errcode: 'M_UNKNOWN_TOKEN', soft_logout: true }),
  ]);
  const { access } = await refreshed(tokens.refresh);
  expect(await api.statusOf(access)).toBe(200);
});

it('ends with the device', async () => {
  const tokens = await logIn();
  const next = await refreshed(tokens.refresh);
  await api.request('POST', '/logout', { token: tokens.access });
  await expectUnknown(tokens.refresh);
  await expectUnknown(next.refresh);
  expect(await api.statusOf(next.access)).toBe(401);
});
