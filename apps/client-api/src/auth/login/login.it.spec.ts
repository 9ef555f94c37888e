import { createHash } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { PASSWORD, startTestClientApi, type TestClientApi } from '../../test-client-api.spec-support.js';

let api: TestClientApi;
beforeAll(async () => {
  api = await startTestClientApi();
  await api.register('alice');
});
afterAll(() => api.close());

const logIn = (body: object) =>
  api.request('POST', '/login', { body: { type: 'm.login.password', ...body } });
const identifier = (user: string) => ({ type: 'm.id.user', user });

describe('login', () => {
  it('offers passwords', async () => {
    expect((await api.request('GET', '/login')).body).toEqual({ flows: [{ type: 'm.login.password' }] });
  });

  it.each(['alice', '@alice:hs1', '@ALICE:hs1', 'Alice'])('knows alice as %s', async (user) => {
    const { status, body } = await logIn({ identifier: identifier(user), password: PASSWORD });
    expect(status).toBe(200);
    expect(body).toEqual({
      user_id: '@alice:hs1',
      device_id: expect.stringMatching(/^[A-Z]{10}$/),
      access_token: expect.any(String),
    });
  });

  it('takes the older way to name a user', async () => {
    expect((await logIn({ user: '@alice:hs1', password: PASSWORD })).status).toBe(200);
  });

  it('serves r0 as v3', async () => {
    expect((await api.request('GET', '/_matrix/client/r0/login')).status).toBe(200);
  });

  it.each([
    ['a wrong password', { identifier: identifier('alice'), password: 'wrong password' }, 403, 'M_FORBIDDEN'],
    ['an unknown user', { identifier: identifier('nobody'), password: PASSWORD }, 403, 'M_FORBIDDEN'],
    [
      'a user of another server',
      { identifier: identifier('@alice:hs2'), password: PASSWORD },
      403,
      'M_FORBIDDEN',
    ],
    [
      'an e-mail address',
      { identifier: { type: 'm.id.thirdparty' }, password: PASSWORD },
      403,
      'M_FORBIDDEN',
    ],
    ['an unknown identifier', { identifier: { type: 'x' }, password: PASSWORD }, 400, 'M_UNKNOWN'],
    ['no user', { password: PASSWORD }, 400, 'M_MISSING_PARAM'],
    ['no password', { identifier: identifier('alice') }, 400, 'M_MISSING_PARAM'],
    ['an unknown type', { type: 'm.login.x', identifier: identifier('alice') }, 400, 'M_UNKNOWN'],
    ['a wrong type', { identifier: identifier('alice'), password: 5 }, 400, 'M_BAD_JSON'],
    ['a NUL', { identifier: identifier('al\0ice'), password: PASSWORD }, 403, 'M_FORBIDDEN'],
    ['a NUL in the device', { user: 'alice', password: PASSWORD, device_id: 'a\0' }, 400, 'M_BAD_JSON'],
  ])('refuses %s', async (_name, request, status, errcode) => {
    const { status: answered, body } = await logIn(request);
    expect([answered, body['errcode']]).toEqual([status, errcode]);
  });

  it('revokes the token of a device that logs in again, and keeps its name', async () => {
    const first = await api.logIn('alice', { device_id: 'PHONE', initial_device_display_name: 'my phone' });
    const second = await api.logIn('alice', { device_id: 'PHONE', initial_device_display_name: 'other' });
    expect([await api.statusOf(first.token), await api.statusOf(second.token)]).toEqual([401, 200]);
    const { body } = await api.request('GET', '/devices/PHONE', { token: second.token });
    expect(body).toMatchObject({ device_id: 'PHONE', display_name: 'my phone', last_seen_ip: '127.0.0.1' });
  });

  it('leaves only the hash of a token in the database', async () => {
    const { token } = await api.logIn('alice');
    const rows = await api.database.db.selectFrom('access_tokens').select('token_hash').execute();
    expect(rows.map((row) => row.token_hash.toString('hex'))).toContain(
      createHash('sha256').update(token).digest('hex'),
    );
  });
});

describe('logout', () => {
  it('ends one session with its device', async () => {
    const [one, other] = [await api.logIn('alice'), await api.logIn('alice')];
    expect((await api.request('POST', '/logout', { token: one.token })).body).toEqual({});
    expect([await api.statusOf(one.token), await api.statusOf(other.token)]).toEqual([401, 200]);
    expect((await api.request('GET', `/devices/${one.deviceId}`, { token: other.token })).status).toBe(404);
  });

  it('ends all sessions of the user and nobody else', async () => {
    const bob = await api.register('bob');
    const sessions = [await api.logIn('alice'), await api.logIn('alice')];
    await api.request('POST', '/logout/all', { token: sessions[0]?.token });
    const statuses = await Promise.all([...sessions, bob].map(({ token }) => api.statusOf(token)));
    expect(statuses).toEqual([401, 401, 200]);
  });
});

describe('access tokens', () => {
  it('tells missing ones from unknown ones', async () => {
    for (const path of ['/account/whoami', '/capabilities', '/devices']) {
      const missing = await api.request('GET', path);
      expect([missing.status, missing.body['errcode']]).toEqual([401, 'M_MISSING_TOKEN']);
      const unknown = await api.request('GET', path, { token: 'forged' });
      expect([unknown.status, unknown.body['errcode']]).toEqual([401, 'M_UNKNOWN_TOKEN']);
    }
  });

  it('say whose they are', async () => {
    const { token, deviceId } = await api.logIn('alice');
    const { body } = await api.request('GET', '/account/whoami', { token });
    expect(body).toEqual({ user_id: '@alice:hs1', device_id: deviceId, is_guest: false });
  });
});
