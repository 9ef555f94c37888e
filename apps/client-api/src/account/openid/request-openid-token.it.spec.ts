import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { hashToken, OpenIdTokenReader } from '@atoll/database';
import { startTestClientApi, type TestClientApi } from '../../test-client-api.spec-support.js';

const PATH = '/user/@alice:hs1/openid/request_token';
let api: TestClientApi;
let token: string;
beforeAll(async () => {
  api = await startTestClientApi();
  token = (await api.register('alice')).token;
});
afterAll(() => api.close());

it('gives a token that says who the user is, and nothing else', async () => {
  const { status, body } = await api.request('POST', PATH, { token, body: {} });
  expect(status).toBe(200);
  expect(body).toEqual({
    access_token: expect.any(String),
    token_type: 'Bearer',
    matrix_server_name: 'hs1',
    expires_in: 3600,
  });
  const openIdToken = body['access_token'] as string;
  const reader = new OpenIdTokenReader(api.database);
  expect(await reader.ownerOf(hashToken(openIdToken))).toBe('@alice:hs1');
  expect(await api.statusOf(openIdToken)).toBe(401);
});

it('gives it to the user alone', async () => {
  const bob = await api.register('bob');
  const refused = await api.request('POST', PATH, { token: bob.token, body: {} });
  expect([refused.status, refused.body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
  expect((await api.request('POST', PATH, { body: {} })).status).toBe(401);
});

it('keeps a bounded number of tokens of a user', async () => {
  for (let i = 0; i < 101; i++) await api.request('POST', PATH, { token, body: {} });
  const { count } = await api.database.db
    .selectFrom('openid_tokens')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .executeTakeFirstOrThrow();
  expect(count).toBe(100);
});
