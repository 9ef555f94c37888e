import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestClientApi, type TestClientApi } from '../test-client-api.spec-support.js';

let api: TestClientApi;
beforeAll(
  async () => (api = await startTestClientApi({ ATOLL_PUBLIC_BASEURL: 'https://matrix.example.org/' })),
);
afterAll(() => api.close());

it('tells what it can do', async () => {
  const versions = await api.request('GET', '/_matrix/client/versions');
  expect([versions.status, versions.body['versions']]).toEqual([200, expect.arrayContaining(['v1.1'])]);
  const wellKnown = await api.request('GET', '/.well-known/matrix/client');
  expect(wellKnown.body).toEqual({ 'm.homeserver': { base_url: 'https://matrix.example.org' } });
});

it('tells users the room versions that there are', async () => {
  const { token } = await api.register('alice');
  const { body } = await api.request('GET', '/capabilities', { token });
  const versions = Array.from({ length: 12 }, (_, index) => String(index + 1));
  expect(body).toMatchObject({
    capabilities: {
      'm.room_versions': {
        default: '12',
        available: Object.fromEntries(versions.map((version) => [version, 'stable'])),
      },
      'm.change_password': { enabled: true },
      'm.profile_fields': { enabled: true },
    },
  });
});

it('tells an unknown path from a wrong method', async () => {
  const unknown = await api.request('GET', '/_matrix/client/v3/nothing');
  expect([unknown.status, unknown.body['errcode']]).toEqual([404, 'M_UNRECOGNIZED']);
  const wrong = await api.request('PUT', '/_matrix/client/v3/login', { body: {} });
  expect([wrong.status, wrong.body['errcode']]).toEqual([405, 'M_UNRECOGNIZED']);
});
