import type { JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  startTestClientApi,
  type TestClientApi,
  type TestUser,
  textOf,
} from '../../test-client-api.spec-support.js';
import { deviceKeysOf, keyRequests, oneTimeKeys } from '../test-keys.spec-support.js';

let api: TestClientApi;
let requests: ReturnType<typeof keyRequests>;
let alice: TestUser;
let bob: TestUser;
let keys: JsonObject;
beforeAll(async () => {
  api = await startTestClientApi();
  requests = keyRequests(api);
  [alice, bob] = [await api.register('alice'), await api.register('bob')];
  keys = deviceKeysOf(alice);
});
afterAll(() => api.close());

const countOf = async (user: TestUser, body: JsonObject) => {
  const answer = await requests.upload(user, body);
  expect(answer.status).toBe(200);
  return answer.body['one_time_key_counts'];
};
const queried = async (user: TestUser) => {
  const { body } = await requests.query(bob, { device_keys: { [user.userId]: [] } });
  return (body['device_keys'] as Record<string, Record<string, JsonObject>>)[user.userId];
};

describe('identity keys', () => {
  it('are told with the name of their device, and are replaced', async () => {
    const phone = await api.logIn('alice', { initial_device_display_name: 'Phone' });
    const first = deviceKeysOf(phone);
    await countOf(phone, { device_keys: { ...first, unsigned: { device_display_name: 'forged' } } });
    expect(await queried(phone)).toEqual({
      [phone.deviceId]: { ...first, unsigned: { device_display_name: 'Phone' } },
    });
    const second = deviceKeysOf(phone);
    await countOf(phone, { device_keys: second });
    expect((await queried(phone))?.[phone.deviceId]).toMatchObject({ keys: second['keys'] });
    await api.request('POST', '/logout', { token: phone.token });
    expect(await queried(phone)).toEqual({});
  });

  it('are kept without the signatures of others', async () => {
    const own = keys['signatures'] as JsonObject;
    await countOf(alice, {
      device_keys: { ...keys, signatures: { ...own, [bob.userId]: { 'ed25519:x': 'y' } } },
    });
    expect((await queried(alice))?.[alice.deviceId]).toEqual(keys);
  });

  it('that are uploaded again change nothing', async () => {
    await countOf(alice, { device_keys: keys });
    const { body: before } = await api.request('GET', '/sync', { token: alice.token });
    await countOf(alice, { device_keys: keys });
    const since = textOf(before['next_batch']);
    const { body } = await api.request('GET', `/sync?since=${since}`, { token: alice.token });
    expect(body).not.toHaveProperty('device_lists');
  });

  it.each<[string, (keys: JsonObject) => JsonObject]>([
    ['of another user', (given) => ({ ...given, user_id: '@bob:hs1' })],
    ['of another device', (given) => ({ ...given, device_id: 'OTHER' })],
    ['without a user', ({ user_id: _, ...rest }) => rest],
    ['without algorithms', ({ algorithms: _, ...rest }) => rest],
    ['without keys', ({ keys: _, ...rest }) => rest],
    ['without signatures', ({ signatures: _, ...rest }) => rest],
    ['with a key that is no text', (given) => ({ ...given, keys: { 'ed25519:X': 7 } })],
    ['with algorithms that are no list', (given) => ({ ...given, algorithms: 'm.olm' })],
    ['that cannot be signed', (given) => ({ ...given, number: 0.1 })],
    ['too long', (given) => ({ ...given, filler: 'x'.repeat(70_000) })],
  ])('%s are refused', async (_, change) => {
    expect(await requests.upload(alice, { device_keys: change(keys) })).toMatchObject({
      status: 400,
      body: { errcode: 'M_BAD_JSON' },
    });
  });
});

describe('one-time keys', () => {
  it('are counted once, however often they are uploaded', async () => {
    expect(await countOf(bob, {})).toEqual({ signed_curve25519: 0 });
    const some = oneTimeKeys('a', 'b');
    expect(await countOf(bob, { one_time_keys: some })).toEqual({ signed_curve25519: 2 });
    expect(await countOf(bob, { one_time_keys: some })).toEqual({ signed_curve25519: 2 });
    const inAnotherOrder = { 'signed_curve25519:a': { signatures: {}, key: 'key a' } };
    expect(await countOf(bob, { one_time_keys: inAnotherOrder })).toEqual({ signed_curve25519: 2 });
    expect(await countOf(bob, { one_time_keys: { ...oneTimeKeys('c'), 'curve25519:a': 'plain' } })).toEqual({
      curve25519: 1,
      signed_curve25519: 3,
    });
  });

  it('cannot take the place of others, nor does anything that comes with them', async () => {
    const other = { 'signed_curve25519:a': { key: 'other', signatures: {} } };
    expect(await requests.upload(bob, { one_time_keys: { ...other, ...oneTimeKeys('z') } })).toMatchObject({
      status: 400,
      body: { errcode: 'M_INVALID_PARAM' },
    });
    expect(await countOf(bob, {})).toMatchObject({ signed_curve25519: 3 });
  });

  it.each<[string, JsonObject]>([
    ['one_time_keys', { nameless: 'key' }],
    ['one_time_keys', { 'a:b': 7 }],
    ['one_time_keys', { 'a:b': { signatures: {} } }],
    ['one_time_keys', { [`a:${'b'.repeat(255)}`]: 'key' }],
    ['one_time_keys', { 'a:b\u0000': 'key' }],
    ['one_time_keys', { 'a:b': { key: 'c', number: 1.5 } }],
    ['one_time_keys', { 'a:b': 'half \ud800' }],
    ['one_time_keys', { 'a:b': 'x'.repeat(20_000) }],
    ['fallback_keys', { 'a:b': [] }],
  ])('%s %j are refused', async (field, given) => {
    expect(await requests.upload(bob, { [field]: given })).toMatchObject({
      status: 400,
      body: { errcode: 'M_BAD_JSON' },
    });
  });

  it('are a bounded number', async () => {
    const many = oneTimeKeys(...Array.from({ length: 1001 }, (_, n) => `many${n}`));
    expect(await requests.upload(alice, { one_time_keys: many })).toMatchObject({
      status: 403,
      body: { errcode: 'M_RESOURCE_LIMIT_EXCEEDED' },
    });
    expect(await countOf(alice, {})).toEqual({ signed_curve25519: 0 });
  });

  it('are refused with two fallback keys of one algorithm', async () => {
    expect(await requests.upload(bob, { fallback_keys: oneTimeKeys('f', 'g') })).toMatchObject({
      status: 400,
    });
  });
});
