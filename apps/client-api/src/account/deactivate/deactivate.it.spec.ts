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

it('ends the account for good', async () => {
  const alice = await api.register('alice');
  const other = await api.logIn('alice');
  const profile = { token: alice.token, body: { displayname: 'Alice' } };
  await api.request('PUT', '/profile/@alice:hs1/displayname', profile);
  const deactivate = (body: object) =>
    api.request('POST', '/account/deactivate', { token: alice.token, body: { ...body } });
  expect((await deactivate({})).status).toBe(401);
  expect((await deactivate({ auth: passwordAuth('alice', undefined, 'wrong one') })).status).toBe(401);
  const { status, body } = await deactivate({ auth: passwordAuth('alice', undefined), erase: true });
  expect([status, body]).toEqual([200, { id_server_unbind_result: 'success' }]);
  expect([await api.statusOf(alice.token), await api.statusOf(other.token)]).toEqual([401, 401]);
  const login = await api.request('POST', '/login', {
    body: { type: 'm.login.password', user: 'alice', password: PASSWORD },
  });
  expect([login.status, login.body['errcode']]).toEqual([403, 'M_USER_DEACTIVATED']);
  expect((await api.request('GET', '/profile/@alice:hs1')).status).toBe(404);
  expect((await api.request('GET', '/profile/@alice:hs1/displayname')).status).toBe(404);
  const again = await api.request('GET', '/register/available?username=alice');
  expect(again.body['errcode']).toBe('M_USER_IN_USE');
});
