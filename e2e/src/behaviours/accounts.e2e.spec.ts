import { describe, expect, test } from '@jest/globals';
import { HttpClient, TestUser, login, path, register, testPassword, uniqueName } from '@atoll/testing';
import { createHmac } from 'node:crypto';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { testSettings } from '../test-settings.js';
import { newUser, outcome } from '../users.js';

const { clientUrl, serverName } = sharedCluster();
const http = new HttpClient(clientUrl);
const registerPath = '/_matrix/client/v3/register';
const passwordStage = (userId: string, password = testPassword) => ({
  type: 'm.login.password',
  identifier: { type: 'm.id.user', user: userId },
  password,
});

describe('registration (behaviours 1, 2, 60)', () => {
  test('without authentication answers 401 with the stages', async () => {
    const answer = await http.send('POST', registerPath, { body: {} });
    expect(answer.status).toBe(401);
    expect(answer.headers.get('content-type')).toBe('application/json');
    expect(answer.body.flows).toContainEqual({ stages: ['m.login.dummy'] });
    expect(answer.body.session).toEqual(expect.any(String));
  });

  test('with the dummy stage and no session makes a user', async () => {
    const user = await register(clientUrl);
    expect((await user.expect('GET', '/v3/account/whoami')).user_id).toBe(user.userId);
  });

  test.each(Array.from('!":?\\@[]{|}£é\n\''))('refuses %j in a user name', async (character) => {
    const body = {
      username: uniqueName(`bad${character}`),
      password: testPassword,
      auth: { type: 'm.login.dummy' },
    };
    expect(outcome(await http.send('POST', registerPath, { body }))).toBe('400 M_INVALID_USERNAME');
  });

  test('takes every allowed character and folds upper case; login takes the id in upper case', async () => {
    const username = uniqueName('Q3._=-/');
    const body = { username, password: testPassword, auth: { type: 'm.login.dummy' } };
    const answer = await http.send('POST', registerPath, { body });
    expect(answer.body.user_id).toBe(`@${username.toLowerCase()}:${serverName}`);
    const user = await login(clientUrl, `@${username.toUpperCase()}:${serverName}`);
    expect(user.userId).toBe(answer.body.user_id);
  });

  test('of a name in use is refused', async () => {
    const { userId } = await newUser();
    const username = userId.slice(1, userId.indexOf(':'));
    const body = { username, password: testPassword, auth: { type: 'm.login.dummy' } };
    expect(outcome(await http.send('POST', registerPath, { body }))).toBe('400 M_USER_IN_USE');
  });

  test('by shared secret makes users where the code is right', async () => {
    const admin = '/_synapse/admin/v1/register';
    const { nonce } = (await http.send('GET', admin)).body as { nonce: string };
    const username = uniqueName('tool');
    const secret = testSettings.ATOLL_REGISTRATION_SHARED_SECRET;
    const mac = createHmac('sha1', secret)
      .update([nonce, username, testPassword, 'notadmin'].join('\0'))
      .digest('hex');
    const body = { nonce, username, password: testPassword, admin: false, mac };
    const forged = await http.send('POST', admin, { body: { ...body, mac: mac.replace(/./g, 'a') } });
    expect(forged.status).toBe(403);
    const { nonce: second } = (await http.send('GET', admin)).body as { nonce: string };
    const secondMac = createHmac('sha1', secret)
      .update([second, username, testPassword, 'notadmin'].join('\0'))
      .digest('hex');
    const made = await http.send('POST', admin, { body: { ...body, nonce: second, mac: secondMac } });
    expect(made.body.user_id).toBe(`@${username}:${serverName}`);
  });
});

describe('devices (behaviour 3)', () => {
  test('are deleted with the password of their owner only', async () => {
    const user = await newUser();
    const other = await newUser('other');
    const gone = await login(clientUrl, user.userId);
    const target = path`/v3/devices/${gone.session.deviceId}`;

    const asked = await user.request('DELETE', target);
    expect(asked.status).toBe(401);
    const { session } = asked.body;
    expect(asked.body).toMatchObject({ flows: [{ stages: ['m.login.password'] }], params: {} });

    const wrong = await user.request('DELETE', target, {
      auth: { ...passwordStage(user.userId, 'wrong'), session },
    });
    expect(wrong).toMatchObject({
      status: 401,
      body: { errcode: 'M_FORBIDDEN', session, flows: [{ stages: ['m.login.password'] }] },
    });
    const foreign = await user.request('DELETE', target, {
      auth: { ...passwordStage(other.userId), session },
    });
    expect(outcome(foreign)).toBe('403 M_FORBIDDEN');
    const right = await user.request('DELETE', target, { auth: { ...passwordStage(user.userId), session } });
    expect(outcome(right)).toBe('200');
    expect(outcome(await gone.request('GET', '/v3/account/whoami'))).toBe('401 M_UNKNOWN_TOKEN');
  });
});

describe('passwords and deactivation (behaviour 4)', () => {
  const change = (user: TestUser, more: Record<string, unknown>) =>
    user.request('POST', '/v3/account/password', {
      new_password: 'Another-staple-7',
      auth: passwordStage(user.userId),
      ...more,
    });

  test.each([
    ['ends the other sessions', {}, '401 M_UNKNOWN_TOKEN'],
    ['with logout_devices false keeps them', { logout_devices: false }, '200'],
  ])('a change %s', async (_, more, expected) => {
    const user = await newUser();
    const other = await login(clientUrl, user.userId);
    expect(outcome(await change(user, more))).toBe('200');
    expect(outcome(await user.request('GET', '/v3/account/whoami'))).toBe('200');
    expect(outcome(await other.request('GET', '/v3/account/whoami'))).toBe(expected);
    const renewed = await login(clientUrl, user.userId, { password: 'Another-staple-7' });
    expect(renewed.userId).toBe(user.userId);
  });

  test('a deactivated user cannot log in', async () => {
    const user = await newUser();
    const auth = passwordStage(user.userId);
    expect(outcome(await user.request('POST', '/v3/account/deactivate', { auth }))).toBe('200');
    expect(outcome(await user.request('GET', '/v3/account/whoami'))).toBe('401 M_UNKNOWN_TOKEN');
    const body = passwordStage(user.userId);
    const refused = await http.send('POST', '/_matrix/client/v3/login', { body });
    expect(refused.status).toBe(403);
  });
});

test('a token that proves to others who the user is goes to the user alone', async () => {
  const [user, other] = [await newUser(), await newUser()];
  const target = path`/v3/user/${user.userId}/openid/request_token`;
  expect(await user.expect('POST', target, {})).toEqual({
    access_token: expect.any(String),
    token_type: 'Bearer',
    matrix_server_name: serverName,
    expires_in: expect.any(Number),
  });
  expect(outcome(await other.request('POST', target, {}))).toBe('403 M_FORBIDDEN');
});

describe('sessions', () => {
  test('a refreshed token replaces the old one once it is used', async () => {
    const { userId } = await newUser();
    const user = await login(clientUrl, userId, { refresh_token: true });
    const refreshed = await http.send('POST', '/_matrix/client/v3/refresh', {
      body: { refresh_token: user.session.refreshToken },
    });
    const renewed = new TestUser(clientUrl, {
      ...user.session,
      accessToken: refreshed.body.access_token ?? '',
    });
    expect(outcome(await renewed.request('GET', '/v3/account/whoami'))).toBe('200');
    expect(outcome(await user.request('GET', '/v3/account/whoami'))).toBe('401 M_UNKNOWN_TOKEN');
  });

  test('logout ends one session, logout/all every one', async () => {
    const user = await newUser();
    const [second, third] = [await login(clientUrl, user.userId), await login(clientUrl, user.userId)];
    await second.expect('POST', '/v3/logout');
    expect(outcome(await second.request('GET', '/v3/account/whoami'))).toBe('401 M_UNKNOWN_TOKEN');
    await third.expect('POST', '/v3/logout/all');
    expect(outcome(await user.request('GET', '/v3/account/whoami'))).toBe('401 M_UNKNOWN_TOKEN');
  });
});
