import { afterAll, beforeAll, expect, it } from '@jest/globals';
import {
  PASSWORD,
  passwordAuth,
  startTestClientApi,
  type TestClientApi,
} from '../../test-client-api.spec-support.js';

let api: TestClientApi;
beforeAll(async () => (api = await startTestClientApi()));
afterAll(() => api.close());

const NEW = 'battery staple';

it('changes the password after the old one, and ends the other sessions', async () => {
  const alice = await api.register('alice');
  const other = await api.logIn('alice');
  const change = (body: object) =>
    api.request('POST', '/account/password', { token: alice.token, body: { new_password: NEW, ...body } });
  expect((await change({})).status).toBe(401);
  expect((await change({ auth: passwordAuth('alice', undefined, 'wrong one') })).body['errcode']).toBe(
    'M_FORBIDDEN',
  );
  expect((await change({ auth: passwordAuth('alice', undefined) })).body).toEqual({});
  expect([await api.statusOf(alice.token), await api.statusOf(other.token)]).toEqual([200, 401]);
  await expect(api.logIn('alice', { password: PASSWORD })).rejects.toThrow('M_FORBIDDEN');
  await api.logIn('alice', { password: NEW });
});

it('leaves the other sessions when asked', async () => {
  const bob = await api.register('bob');
  const other = await api.logIn('bob');
  const body = { new_password: NEW, logout_devices: false, auth: passwordAuth('bob', undefined) };
  expect((await api.request('POST', '/account/password', { token: bob.token, body })).status).toBe(200);
  expect([await api.statusOf(bob.token), await api.statusOf(other.token)]).toEqual([200, 200]);
});

it('refuses a weak password before anything else', async () => {
  const { token } = await api.register('carol');
  const { status, body } = await api.request('POST', '/account/password', {
    token,
    body: { new_password: 'x' },
  });
  expect([status, body['errcode']]).toEqual([400, 'M_WEAK_PASSWORD']);
});
