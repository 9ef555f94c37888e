import type { JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import {
  PASSWORD,
  startTestClientApi,
  textOf,
  type TestClientApi,
  type TestUser,
} from '../test-client-api.spec-support.js';

let api: TestClientApi;
let users = 0;
let alice: TestUser;
beforeAll(async () => {
  api = await startTestClientApi();
});
beforeEach(async () => {
  alice = await api.register(`alice${(users += 1)}`);
});
afterAll(() => api.close());

const PATH = '/_matrix/client/unstable/org.matrix.msc3814.v1/dehydrated_device';
const FIRST = 'FirstKey+/43';
const DATA = { algorithm: 'org.matrix.msc3814.v2', device_pickle: 'p', nonce: 'n' };
const ask = async (method: string, path = PATH, body?: JsonObject, { token } = alice) => {
  const answer = await api.request(method, path, { token, ...(body && { body }) });
  return answer.status === 200 ? answer.body : `${answer.status} ${textOf(answer.body['errcode'])}`;
};
const deviceBody = (deviceId: string, keys: JsonObject = {}): JsonObject => ({
  device_id: deviceId,
  device_data: DATA,
  initial_device_display_name: 'dry',
  device_keys: {
    user_id: alice.userId,
    device_id: deviceId,
    dehydrated: true,
    algorithms: ['m.olm.v1.curve25519-aes-sha2'],
    keys: { [`curve25519:${deviceId}`]: 'c', [`ed25519:${deviceId}`]: 'e' },
    signatures: { [alice.userId]: { [`ed25519:${deviceId}`]: 's' } },
  },
  ...keys,
});
const eventsOf = (deviceId: string) => `${PATH}/${encodeURIComponent(deviceId)}/events`;
const send = (deviceId: string, n: number) =>
  ask('PUT', `/sendToDevice/m.test/t${n}`, { messages: { [alice.userId]: { [deviceId]: { n } } } });

it('is put with its keys, read, listed, replaced and deleted', async () => {
  expect(await ask('GET')).toBe('404 M_NOT_FOUND');
  expect(await ask('DELETE')).toBe('404 M_NOT_FOUND');
  const keys = {
    one_time_keys: { 'signed_curve25519:A': { key: 'o' } },
    fallback_keys: { 'signed_curve25519:F': { key: 'f' } },
  };
  expect(await ask('PUT', PATH, deviceBody(FIRST, keys))).toEqual({ device_id: FIRST });
  expect(await ask('GET')).toEqual({ device_id: FIRST, device_data: DATA });
  const query = { device_keys: { [alice.userId]: [] } };
  expect(await ask('POST', '/keys/query', query)).toMatchObject({
    device_keys: {
      [alice.userId]: { [FIRST]: { dehydrated: true, unsigned: { device_display_name: 'dry' } } },
    },
  });
  const claim = { one_time_keys: { [alice.userId]: { [FIRST]: 'signed_curve25519' } } };
  for (const name of ['signed_curve25519:A', 'signed_curve25519:F'])
    expect(await ask('POST', '/keys/claim', claim)).toMatchObject({
      one_time_keys: { [alice.userId]: { [FIRST]: { [name]: expect.any(Object) } } },
    });

  expect(await ask('PUT', PATH, deviceBody('second'))).toEqual({ device_id: 'second' });
  expect(await ask('GET', `/devices/${encodeURIComponent(FIRST)}`)).toBe('404 M_NOT_FOUND');
  expect(await ask('GET', '/devices/second')).toMatchObject({ display_name: 'dry' });
  expect(await ask('DELETE')).toEqual({ device_id: 'second' });
  const { device_keys: left } = (await ask('POST', '/keys/query', query)) as { device_keys: JsonObject };
  expect(left[alice.userId] ?? {}).toEqual({});
});

it('is told to other servers once, with its keys', async () => {
  const changesOf = async (deviceId: string) => {
    const changes = api.database.db.selectFrom('device_changes').select('stream_id');
    return changes
      .where('user_id', '=', alice.userId as never)
      .where('device_id', '=', deviceId as never)
      .execute();
  };
  await ask('PUT', PATH, deviceBody(FIRST));
  const changes = await changesOf(FIRST);
  expect(changes).toHaveLength(1);
  await api.logIn(alice.userId);
  expect(await changesOf(FIRST)).toEqual(changes);
});

it('gives its messages to who reads them, in parts, and keeps them', async () => {
  await ask('PUT', PATH, deviceBody(FIRST));
  for (let n = 0; n < 102; n++) await send(FIRST, n);
  const read = async (from?: string) =>
    (await ask('POST', eventsOf(FIRST), from === undefined ? {} : { next_batch: from })) as {
      events: { sender: string; type: string; content: { n: number } }[];
      next_batch: string;
    };
  const first = await read();
  const second = await read(first.next_batch);
  expect([...first.events, ...second.events].map(({ content }) => content.n)).toEqual(
    Array.from({ length: 102 }, (_, n) => n),
  );
  expect(first.events[0]).toEqual({ sender: alice.userId, type: 'm.test', content: { n: 0 } });
  const last = await read(second.next_batch);
  expect(last).toEqual({ events: [], next_batch: expect.any(String) });
  expect(await read()).toEqual(first);
  expect(await ask('GET', `${eventsOf(FIRST)}?next_batch=${first.next_batch}`)).toEqual(second);
  // As matrix-js-sdk reads: until there is no `next_batch`.
  expect(await ask('GET', eventsOf(FIRST))).toEqual(first);
  expect(await ask('GET', `${eventsOf(FIRST)}?from=${first.next_batch}`)).toEqual({ events: second.events });
  expect(await ask('POST', eventsOf(alice.deviceId), {})).toBe('403 M_FORBIDDEN');
  expect(await ask('POST', eventsOf(FIRST), { next_batch: 'x' })).toBe('400 M_BAD_JSON');
});

it('is nothing that one can log in with', async () => {
  await ask('PUT', PATH, deviceBody(FIRST));
  const identifier = { type: 'm.id.user', user: alice.userId };
  const body = { type: 'm.login.password', identifier, password: PASSWORD, device_id: FIRST };
  const { status } = await api.request('POST', '/login', { body });
  expect(status).toBe(403);
  expect(await ask('GET')).toMatchObject({ device_id: FIRST });
});

it('goes with all devices', async () => {
  await ask('PUT', PATH, deviceBody(FIRST));
  const other = await api.logIn(alice.userId);
  await ask('POST', '/logout/all');
  expect(await ask('GET', PATH, undefined, await api.logIn(alice.userId))).toBe('404 M_NOT_FOUND');
  expect(await api.statusOf(other.token)).toBe(401);
});

it('is put by several at once, and one of them stays', async () => {
  const ids = ['a', 'b', 'c', 'd'].map((name) => `concurrent-${name}`);
  const answers = await Promise.all(ids.map((id) => ask('PUT', PATH, deviceBody(id))));
  expect(answers).toEqual(ids.map((id) => ({ device_id: id })));
  const { device_id: kept } = (await ask('GET')) as JsonObject;
  const { devices } = (await ask('GET', '/devices')) as { devices: { device_id: string }[] };
  expect(devices.map(({ device_id }) => device_id).toSorted()).toEqual(
    [alice.deviceId, textOf(kept)].toSorted(),
  );
});

it('is refused when it is none', async () => {
  const good = deviceBody(FIRST);
  const cases: [JsonObject, string][] = [
    [deviceBody(alice.deviceId), '400 M_INVALID_PARAM'],
    [{ ...good, device_id: 'other' }, '400 M_BAD_JSON'],
    [{ ...good, device_data: {} }, '400 M_BAD_JSON'],
    [{ ...good, device_data: { ...DATA, device_pickle: 'p'.repeat(70_000) } }, '400 M_BAD_JSON'],
    [{ ...good, device_keys: {} }, '400 M_BAD_JSON'],
    [{ ...good, fallback_keys: { 'a:1': 'k', 'a:2': 'k' } }, '400 M_INVALID_PARAM'],
  ];
  for (const [body, expected] of cases) expect(await ask('PUT', PATH, body)).toBe(expected);
  expect(await ask('GET')).toBe('404 M_NOT_FOUND');
  expect(await api.statusOf(alice.token)).toBe(200);
});
