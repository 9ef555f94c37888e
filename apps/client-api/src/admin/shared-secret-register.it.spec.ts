import { createHmac } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { PASSWORD, startTestClientApi, type TestClientApi, textOf } from '../test-client-api.spec-support.js';

const PATH = '/_synapse/admin/v1/register';
let api: TestClientApi;
beforeAll(async () => (api = await startTestClientApi({ ATOLL_REGISTRATION: 'closed' })));
afterAll(() => api.close());

const getNonce = async () => textOf((await api.request('GET', PATH)).body['nonce']);

function macOf(nonce: string, username: string, admin: boolean, secret = 'secret of the test') {
  const parts = [nonce, username, PASSWORD, admin ? 'admin' : 'notadmin'];
  return createHmac('sha1', secret).update(parts.join('\0')).digest('hex');
}

it('registers users and administrators, where registration is closed to others', async () => {
  for (const [username, admin] of [
    ['op', true],
    ['user', false],
  ] as const) {
    const nonce = await getNonce();
    const mac = macOf(nonce, username, admin);
    const { status, body } = await api.request('POST', PATH, {
      body: { nonce, username, password: PASSWORD, admin, mac },
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({
      user_id: `@${username}:hs1`,
      home_server: 'hs1',
      device_id: expect.any(String),
    });
    expect(await api.statusOf(textOf(body['access_token']))).toBe(200);
  }
  const admins = await api.database.db
    .selectFrom('users')
    .select('user_id')
    .where('is_admin', '=', true)
    .execute();
  expect(admins).toEqual([{ user_id: '@op:hs1' }]);
  await api.logIn('user');
});

it('takes a nonce once, its own only, and the right MAC', async () => {
  const nonce = await getNonce();
  const request = (mac: string, used = nonce) =>
    api.request('POST', PATH, {
      body: { nonce: used, username: 'eve', password: PASSWORD, admin: true, mac },
    });
  const wrong = await request(macOf(nonce, 'eve', false));
  expect([wrong.status, wrong.body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
  expect((await request(macOf(nonce, 'eve', true))).status).toBe(400);
  expect((await request(macOf('made up', 'eve', true), 'made up')).status).toBe(400);
  const other = await getNonce();
  expect((await request(macOf(other, 'eve', true, 'guess'), other)).status).toBe(403);
});

it('is not there without a secret', async () => {
  const without = await startTestClientApi({ ATOLL_REGISTRATION_SHARED_SECRET: '' });
  const { status, body } = await without.request('GET', PATH);
  await without.close();
  expect([status, body['errcode']]).toEqual([404, 'M_UNRECOGNIZED']);
});
