import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestClientApi, type TestClientApi } from '../test-client-api.spec-support.js';

let silent: TestClientApi;
let open: TestClientApi;
beforeAll(async () => {
  silent = await startTestClientApi();
  open = await startTestClientApi({
    ATOLL_SUPPORT_CONTACT: '@admin:hs1',
    ATOLL_SUPPORT_PAGE: 'https://hs1/support',
    ATOLL_DELEGATED_SERVER: 'matrix.hs1:443',
  });
});
afterAll(() => Promise.all([silent.close(), open.close()]));

it('names whom to ask, where the configuration does', async () => {
  expect((await open.request('GET', '/.well-known/matrix/support')).body).toEqual({
    contacts: [{ role: 'm.role.admin', matrix_id: '@admin:hs1' }],
    support_page: 'https://hs1/support',
  });
  expect(await silent.request('GET', '/.well-known/matrix/support')).toMatchObject({
    status: 404,
    body: { errcode: 'M_NOT_FOUND' },
  });
});

it('tells other servers where it is, where the configuration does', async () => {
  const target = '/.well-known/matrix/server';
  expect((await open.request('GET', target)).body).toEqual({ 'm.server': 'matrix.hs1:443' });
  expect(await silent.request('GET', target)).toMatchObject({
    status: 404,
    body: { errcode: 'M_NOT_FOUND' },
  });
});

it('is no policy server, and knows no third-party networks', async () => {
  expect((await silent.request('GET', '/.well-known/matrix/policy_server')).status).toBe(404);
  const { token } = await silent.register('alice');
  expect((await silent.request('GET', '/thirdparty/protocols', { token })).body).toEqual({});
  for (const path of [
    'protocol/irc',
    'location/irc',
    'user/irc',
    'location?alias=%23a:hs1',
    'user?userid=@a:hs1',
  ]) {
    const { status, body } = await silent.request('GET', `/thirdparty/${path}`, { token });
    expect([status, body['errcode']]).toEqual([404, 'M_NOT_FOUND']);
  }
  expect((await silent.request('GET', '/thirdparty/user', { token })).status).toBe(400);
});
