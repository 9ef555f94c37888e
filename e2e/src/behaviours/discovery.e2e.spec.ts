import { describe, expect, test } from '@jest/globals';
import { HttpClient, path, query } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { testSettings } from '../test-settings.js';
import { newUser, outcome } from '../users.js';

const http = new HttpClient(sharedCluster().clientUrl);

describe('what stands below /.well-known/matrix', () => {
  test('leads clients here', async () => {
    const { status, body } = await http.send('GET', '/.well-known/matrix/client');
    expect({ status, body }).toEqual({
      status: 200,
      body: { 'm.homeserver': { base_url: expect.stringMatching(/^http/) } },
    });
  });

  test('names whom to ask', async () => {
    const { status, body } = await http.send('GET', '/.well-known/matrix/support');
    const contact = { role: 'm.role.admin', email_address: testSettings.ATOLL_SUPPORT_CONTACT };
    expect({ status, body }).toEqual({ status: 200, body: { contacts: [contact] } });
  });

  test('is no policy server', async () => {
    expect(outcome(await http.send('GET', '/.well-known/matrix/policy_server'))).toBe('404 M_NOT_FOUND');
  });
});

test('versions and features are told to everybody', async () => {
  const { status, body } = await http.send('GET', '/_matrix/client/versions');
  expect({ status, body }).toMatchObject({
    status: 200,
    body: { versions: expect.arrayContaining(['v1.4']), unstable_features: { 'org.matrix.msc3391': true } },
  });
});

describe('networks of third parties', () => {
  test('there are none', async () => {
    const user = await newUser();
    expect(await user.expect('GET', '/v3/thirdparty/protocols')).toEqual({});
    for (const target of [
      '/v3/thirdparty/protocol/irc',
      '/v3/thirdparty/location/irc',
      '/v3/thirdparty/user/irc',
      `/v3/thirdparty/location${query({ alias: '#room:example.org' })}`,
      path`/v3/thirdparty/user` + query({ userid: user.userId }),
    ])
      expect({ target, outcome: outcome(await user.request('GET', target)) }).toEqual({
        target,
        outcome: '404 M_NOT_FOUND',
      });
  });

  test('are told to users only', async () => {
    expect(outcome(await http.send('GET', '/_matrix/client/v3/thirdparty/protocols'))).toBe(
      '401 M_MISSING_TOKEN',
    );
  });
});
