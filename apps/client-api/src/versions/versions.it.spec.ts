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

/** What clients infer from the versions, and ask for by older paths where the version is not announced. */
const INFERRED: [string, string, string][] = [
  ['v1.1', 'POST', 'v3/knock/!room:hs1'],
  ['v1.2', 'GET', 'v1/rooms/!room:hs1/hierarchy'],
  ['v1.2', 'GET', 'v1/register/m.login.registration_token/validity?token=x'],
  ['v1.3', 'GET', 'v1/rooms/!room:hs1/relations/$event'],
  ['v1.3', 'GET', 'v1/rooms/!room:hs1/relations/$event/m.thread/m.room.message'],
  ['v1.3', 'POST', 'v3/refresh'],
  ['v1.4', 'GET', 'v1/rooms/!room:hs1/threads'],
  ['v1.6', 'GET', 'v1/rooms/!room:hs1/timestamp_to_event'],
  ['v1.13', 'POST', 'v3/rooms/!room:hs1/report'],
  ['v1.14', 'POST', 'v3/users/@user:hs1/report'],
  ['org.matrix.e2e_cross_signing', 'POST', 'unstable/keys/device_signing/upload'],
  ['org.matrix.msc3266', 'GET', 'v1/room_summary/!room:hs1'],
  ['org.matrix.msc3266', 'GET', 'unstable/im.nheko.summary/rooms/!room:hs1/summary'],
  ['org.matrix.msc3266', 'GET', 'unstable/im.nheko.summary/summary/!room:hs1'],
  ['org.matrix.msc3391', 'DELETE', 'unstable/org.matrix.msc3391/user/@user:hs1/account_data/x'],
  ['org.matrix.msc3814', 'GET', 'unstable/org.matrix.msc3814.v1/dehydrated_device'],
  ['org.matrix.msc4140', 'GET', 'unstable/org.matrix.msc4140/delayed_events'],
  ['org.matrix.msc4140.stable', 'GET', 'v1/delayed_events'],
  ['org.matrix.msc4143', 'GET', 'unstable/org.matrix.msc4143/rtc/transports'],
  ['org.matrix.msc4151', 'POST', 'unstable/org.matrix.msc4151/rooms/!room:hs1/report'],
  ['org.matrix.msc4260', 'POST', 'unstable/org.matrix.msc4260/users/@user:hs1/report'],
  ['org.matrix.simplified_msc3575', 'POST', 'unstable/org.matrix.simplified_msc3575/sync'],
  ['uk.half-shot.msc2666.query_mutual_rooms', 'GET', 'unstable/uk.half-shot.msc2666/user/mutual_rooms'],
  ['uk.half-shot.msc2666.query_mutual_rooms.stable', 'GET', 'v1/mutual_rooms'],
  ['uk.tcpip.msc4133', 'PUT', 'unstable/uk.tcpip.msc4133/profile/@user:hs1/m.tz'],
  ['uk.tcpip.msc4133.stable', 'DELETE', 'v3/profile/@user:hs1/m.tz'],
];

it.each(INFERRED)('announces %s, and serves %s %s', async (name, method, path) => {
  const { body } = await api.request('GET', '/_matrix/client/versions');
  const { versions, unstable_features } = body as { versions: string[]; unstable_features: object };
  expect([...versions, ...Object.keys(unstable_features)]).toContain(name);
  const answer = await api.request(method, `/_matrix/client/${path}`);
  expect(answer.body['errcode']).not.toBe('M_UNRECOGNIZED');
});

it('announces the counts of threads, private receipts and what Element Web asks for by name', async () => {
  const { body } = await api.request('GET', '/_matrix/client/versions');
  expect(body).toMatchObject({
    versions: expect.arrayContaining(['v1.4', 'v1.6', 'v1.10', 'v1.11', 'v1.14']),
    unstable_features: {
      'org.matrix.e2e_cross_signing': true,
      'org.matrix.msc2285.stable': true,
      'org.matrix.msc3030.stable': true,
      'org.matrix.msc3827.stable': true,
      'org.matrix.msc3952_intentional_mentions': true,
    },
  });
});

it.each(['v1.7', 'v1.15', 'v1.16', 'v1.17', 'v1.18', 'v1.19'])('does not announce %s', async (version) => {
  const { body } = await api.request('GET', '/_matrix/client/versions');
  expect(body['versions']).not.toContain(version);
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
