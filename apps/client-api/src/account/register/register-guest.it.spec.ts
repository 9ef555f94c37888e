import { AccountTransactor, DeviceTransactor, commitInLanes } from '@atoll/database';
import type { JsonObject, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  PASSWORD,
  startTestClientApi,
  type TestClientApi,
  textOf,
} from '../../test-client-api.spec-support.js';

const auth = { type: 'm.login.dummy' };

let api: TestClientApi;
const start = async (settings: Record<string, string>) => {
  api = await startTestClientApi(settings);
};
const registerGuest = (body?: JsonObject) => api.request('POST', '/register?kind=guest', body && { body });
const newGuest = async () => {
  const { body } = await registerGuest({});
  const [userId, token] = [textOf(body['user_id']), textOf(body['access_token'])];
  return { userId, token, username: userId.slice(1, userId.indexOf(':')) };
};

describe('guests', () => {
  beforeAll(() => start({ ATOLL_GUEST_ACCESS: 'on' }));
  afterAll(() => api.close());

  it('get an account and a device of the server’s choice, whatever else they ask for', async () => {
    const { status, body } = await registerGuest({
      ...{
        username: 5,
        password: 'x',
        auth: 'none',
        inhibit_login: true,
        device_id: 'MINE',
        refresh_token: true,
      },
      initial_device_display_name: 'A browser',
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      user_id: expect.stringMatching(/^@[a-z2-7]{12}:hs1$/),
      device_id: expect.not.stringContaining('MINE'),
      access_token: expect.any(String),
    });
    const token = textOf(body['access_token']);
    const { user_id, device_id } = body;
    expect((await api.request('GET', '/account/whoami', { token })).body).toEqual({
      ...{ user_id, device_id, is_guest: true },
    });
    const { body: devices } = await api.request('GET', '/devices', { token });
    expect(devices['devices']).toMatchObject([{ device_id, display_name: 'A browser' }]);
    expect((await registerGuest()).status).toBe(200);
  });

  it('cannot be logged in to', async () => {
    const { userId } = await newGuest();
    const body = { type: 'm.login.password', identifier: { type: 'm.id.user', user: userId }, password: '' };
    expect((await api.request('POST', '/login', { body })).status).toBe(403);
  });

  it.each([
    ['POST', '/createRoom'],
    ['POST', '/logout'],
    ['POST', '/account/deactivate'],
    ['POST', '/join/%23a%3Ahs1'],
    ['GET', '/joined_rooms'],
    ['POST', '/user_directory/search'],
  ])('may not %s %s', async (method, path) => {
    const { token } = await newGuest();
    const { status, body } = await api.request(method, path, {
      token,
      ...(method === 'POST' && { body: {} }),
    });
    expect([status, body['errcode']]).toEqual([403, 'M_GUEST_ACCESS_FORBIDDEN']);
  });

  it('change their display name, and no other field of their profile', async () => {
    const { userId, token } = await newGuest();
    const field = (method: string, name: string) =>
      api.request(method, `/profile/${userId}/${name}`, {
        token,
        ...(method === 'PUT' && { body: { [name]: 'G' } }),
      });
    expect((await field('PUT', 'displayname')).status).toBe(200);
    expect((await api.request('GET', `/profile/${userId}`)).body).toEqual({ displayname: 'G' });
    expect((await field('DELETE', 'displayname')).status).toBe(200);
    for (const method of ['PUT', 'DELETE']) {
      const { status, body } = await field(method, 'avatar_url');
      expect([status, body['errcode']]).toEqual([403, 'M_GUEST_ACCESS_FORBIDDEN']);
    }
  });
});

describe('guests who become users', () => {
  beforeAll(() => start({ ATOLL_GUEST_ACCESS: 'on' }));
  afterAll(() => api.close());

  const upgrade = (body: JsonObject) =>
    api.request('POST', '/register', { body: { password: PASSWORD, auth, ...body } });

  it('keep their name, and authenticate as all who register do', async () => {
    const { userId, token, username } = await newGuest();
    const wanted = { username, guest_access_token: token };
    expect((await api.request('POST', '/register', { body: { ...wanted, password: PASSWORD } })).status).toBe(
      401,
    );
    const { status, body } = await upgrade(wanted);
    expect(status).toBe(200);
    expect(body).toMatchObject({ user_id: userId, access_token: expect.any(String) });
    for (const one of [token, textOf(body['access_token'])]) {
      const { body: owner } = await api.request('GET', '/account/whoami', { token: one });
      expect(owner).toMatchObject({ user_id: userId, is_guest: false });
      expect((await api.request('GET', '/joined_rooms', { token: one })).status).toBe(200);
    }
    expect((await api.logIn(userId)).userId).toBe(userId);
    // Nobody becomes one twice.
    const again = await upgrade({ ...wanted, password: 'another password' });
    expect([again.status, again.body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
    expect((await api.logIn(userId)).userId).toBe(userId);
  });

  it('must show their own token with their own name', async () => {
    const [one, other] = [await newGuest(), await newGuest()];
    const user = await api.register('a.user');
    const refusals: [JsonObject, number, string][] = [
      [{ guest_access_token: one.token }, 400, 'M_MISSING_PARAM'],
      [{ guest_access_token: one.token, username: other.username }, 403, 'M_FORBIDDEN'],
      [{ guest_access_token: one.token, username: 'another.name' }, 403, 'M_FORBIDDEN'],
      [{ guest_access_token: 'invented', username: one.username }, 403, 'M_FORBIDDEN'],
      [{ guest_access_token: user.token, username: 'a.user' }, 403, 'M_FORBIDDEN'],
      [{ username: one.username }, 400, 'M_USER_IN_USE'],
    ];
    for (const [body, status, errcode] of refusals) {
      const answer = await upgrade(body);
      expect([answer.status, answer.body['errcode']]).toEqual([status, errcode]);
    }
  });

  it('do not once they are deactivated', async () => {
    const { userId, token, username } = await newGuest();
    await commitInLanes(api.database.db, async (trx, closing) => {
      await new AccountTransactor(trx).deactivate(userId as UserId);
      await new DeviceTransactor(trx, closing).deleteAllDevices(userId as UserId);
    });
    expect(await api.statusOf(token)).toBe(401);
    const { status, body } = await upgrade({ username, guest_access_token: token });
    expect([status, body['errcode']]).toEqual([403, 'M_FORBIDDEN']);
  });
});

describe('a server without guests', () => {
  afterAll(() => api.close());

  it('makes none', async () => {
    await start({});
    const { status, body } = await registerGuest({});
    expect([status, body['errcode']]).toEqual([403, 'M_GUEST_ACCESS_FORBIDDEN']);
  });
});

describe('rate limits', () => {
  afterAll(() => api.close());

  it('let nobody register many guests', async () => {
    await start({ ATOLL_GUEST_ACCESS: 'on', ATOLL_RATE_LIMITS: 'on' });
    const answers = await Promise.all(Array.from({ length: 15 }, () => registerGuest({})));
    expect(answers.map(({ status }) => status)).toContain(429);
  });
});
