import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { startTestClientApi, type TestClientApi } from '../test-client-api.spec-support.js';

let silent: TestClientApi;
let calling: TestClientApi;
beforeAll(async () => {
  silent = await startTestClientApi();
  calling = await startTestClientApi({ ATOLL_RTC_LIVEKIT_URLS: 'https://rtc.hs1/jwt, https://spare.hs1' });
});
afterAll(() => Promise.all([silent.close(), calling.close()]));

const paths = [
  '/_matrix/client/v1/rtc/transports',
  '/_matrix/client/unstable/org.matrix.msc4143/rtc/transports',
];

it.each(paths)('%s tells users what carries their calls', async (path) => {
  const transports = [
    { type: 'livekit', livekit_service_url: 'https://rtc.hs1/jwt' },
    { type: 'livekit', livekit_service_url: 'https://spare.hs1' },
  ];
  const { token } = await calling.register(path.includes('unstable') ? 'alice' : 'bob');
  expect(await calling.request('GET', path, { token })).toMatchObject({
    status: 200,
    body: { rtc_transports: transports },
  });
  expect((await calling.request('GET', '/.well-known/matrix/client')).body).toMatchObject({
    'org.matrix.msc4143.rtc_foci': transports,
  });
  expect((await calling.request('GET', path)).status).toBe(401);
});

it('nothing does, where nothing is configured', async () => {
  const { token } = await silent.register('alice');
  for (const path of paths) {
    expect((await silent.request('GET', path, { token })).body).toEqual({ rtc_transports: [] });
  }
  expect((await silent.request('GET', '/.well-known/matrix/client')).body).not.toHaveProperty([
    'org.matrix.msc4143.rtc_foci',
  ]);
});
