import type { DatabaseSchema } from '@atoll/database';
import type { JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, expect, it, jest } from '@jest/globals';
import { type Kysely, sql } from 'kysely';
import { type RunningClientApi, startClientApi } from '../../client-api.module.js';
import {
  startTestClientApi,
  type TestClientApi,
  type TestUser,
  textOf,
} from '../../test-client-api.spec-support.js';
import { keyRequests, oneTimeKeys } from '../test-keys.spec-support.js';

const ALGORITHM = 'signed_curve25519';
let api: TestClientApi;
let other: RunningClientApi;
let requests: ReturnType<typeof keyRequests>;
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  api = await startTestClientApi();
  other = await startClientApi(api.config);
  requests = keyRequests(api);
  [alice, bob] = [await api.register('alice'), await api.register('bob')];
});
afterAll(async () => {
  await other.close();
  await api.close();
});

const wanted = ({ userId, deviceId }: TestUser) => ({
  one_time_keys: { [userId]: { [deviceId]: ALGORITHM } },
});
const nameOf = (body: JsonObject, { userId, deviceId }: TestUser): string | undefined => {
  const users = body['one_time_keys'] as Record<string, Record<string, JsonObject> | undefined>;
  return Object.keys(users[userId]?.[deviceId] ?? {})[0];
};
const claimOne = async (device = alice) => nameOf((await requests.claim(bob, wanted(device))).body, device);
async function claimAtOther(): Promise<string | undefined> {
  const response = await fetch(`http://127.0.0.1:${other.port}/_matrix/client/v3/keys/claim`, {
    method: 'POST',
    headers: { authorization: `Bearer ${bob.token}` },
    body: JSON.stringify(wanted(alice)),
  });
  return nameOf((await response.json()) as JsonObject, alice);
}

it('gives out keys in the order of their upload, then the fallback key, then none', async () => {
  await requests.upload(alice, { one_time_keys: oneTimeKeys('z') });
  await requests.upload(alice, { one_time_keys: oneTimeKeys('b') });
  await requests.upload(alice, { one_time_keys: oneTimeKeys('a') });
  expect(await requests.claim(bob, wanted(alice))).toMatchObject({
    status: 200,
    body: {
      one_time_keys: { [alice.userId]: { [alice.deviceId]: { 'signed_curve25519:z': { key: 'key z' } } } },
      failures: {},
    },
  });
  expect([await claimOne(), await claimOne(), await claimOne()]).toEqual([
    'signed_curve25519:b',
    'signed_curve25519:a',
    undefined,
  ]);
  expect((await requests.claim(bob, wanted(alice))).body).toEqual({ one_time_keys: {}, failures: {} });
  await requests.upload(alice, { fallback_keys: oneTimeKeys('fallback') });
  expect([await claimOne(), await claimOne()]).toEqual(Array(2).fill('signed_curve25519:fallback'));
});

it('does not give out again what is uploaded again after it was claimed', async () => {
  await requests.upload(alice, { one_time_keys: oneTimeKeys('again') });
  expect(await claimOne()).toBe('signed_curve25519:again');
  const { body } = await requests.upload(alice, { one_time_keys: oneTimeKeys('again') });
  expect(body).toEqual({ one_time_key_counts: { [ALGORITHM]: 0 } });
  expect(await claimOne()).toBe('signed_curve25519:fallback');
  const fresh = { 'signed_curve25519:again': { key: 'fresh', signatures: {} } };
  expect((await requests.upload(alice, { one_time_keys: fresh })).body).toEqual({
    one_time_key_counts: { [ALGORITHM]: 1 },
  });
  expect(await claimOne()).toBe('signed_curve25519:again');
});

it('does not give out again what is uploaded again days after it was claimed', async () => {
  const phone = await api.logIn('alice');
  await requests.upload(phone, { one_time_keys: oneTimeKeys('late') });
  expect(await claimOne(phone)).toBe('signed_curve25519:late');
  const fresh = { 'signed_curve25519:late': { key: 'fresh', signatures: {} } };
  await requests.upload(phone, { one_time_keys: fresh });
  expect(await claimOne(phone)).toBe('signed_curve25519:late');
  const later = Date.now() + 7 * 24 * 60 * 60_000;
  const clock = jest.spyOn(Date, 'now').mockReturnValue(later);
  for (const again of [oneTimeKeys('late'), fresh]) {
    const { body } = await requests.upload(phone, { one_time_keys: again });
    expect(body).toEqual({ one_time_key_counts: { [ALGORITHM]: 0 } });
  }
  clock.mockRestore();
  expect(await claimOne(phone)).toBeUndefined();
});

it('remembers the newest 10,000 claimed keys of a device for as long as that lives', async () => {
  const phone = await api.logIn('alice');
  const { userId, deviceId } = phone;
  const { db } = api.database;
  await requests.upload(phone, { one_time_keys: oneTimeKeys('first') });
  await claimOne(phone);
  await sql`
    INSERT INTO claimed_one_time_keys (user_id, device_id, hash)
    SELECT ${userId}, ${deviceId}, sha256(n::text::bytea) FROM generate_series(1, 9999) n`.execute(db);
  await requests.upload(phone, { one_time_keys: oneTimeKeys('first', 'second') });
  expect(await claimOne(phone)).toBe('signed_curve25519:second');
  await requests.upload(phone, { one_time_keys: oneTimeKeys('third') });
  const remembered = async () => {
    const { rows } = await sql<{ count: number }>`
      SELECT count(*) FROM claimed_one_time_keys WHERE user_id = ${userId} AND device_id = ${deviceId}`.execute(
      db,
    );
    return rows[0]?.count;
  };
  expect(await remembered()).toBe(10_000);
  await requests.upload(phone, { one_time_keys: oneTimeKeys('second') });
  expect([await claimOne(phone), await claimOne(phone)]).toEqual(['signed_curve25519:third', undefined]);
  await api.request('POST', '/logout', phone);
  expect(await remembered()).toBe(0);
});

it('does not take a fallback key for used that replaced the one that was given out', async () => {
  const phone = await api.logIn('alice');
  const { userId, deviceId } = phone;
  const { db } = api.database;
  await requests.upload(phone, { fallback_keys: oneTimeKeys('f1') });
  const claim = await db.transaction().execute(async (trx) => {
    await sql`
      UPDATE fallback_keys SET key_id = 'f2', key = '{"key":"key f2","signatures":{}}'
      WHERE user_id = ${userId} AND device_id = ${deviceId}`.execute(trx);
    const claimed = claimOne(phone);
    await untilOneWaits(trx);
    return { claimed };
  });
  expect(await claim.claimed).toBe('signed_curve25519:f1');
  const { body } = await api.request('GET', '/sync', phone);
  expect(body['device_unused_fallback_key_types']).toEqual([ALGORITHM]);
});

/** Waits for a transaction that waits for this one. */
async function untilOneWaits(trx: Kysely<DatabaseSchema>): Promise<void> {
  const deadline = Date.now() + 10_000;
  for (let waits = false; !waits && Date.now() < deadline;) {
    const { rows } = await sql`
      SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))`.execute(trx);
    waits = rows.length > 0;
  }
}

it('gives each of 50 keys to one of 50 claims through two instances, then the fallback key', async () => {
  const names = Array.from({ length: 50 }, (_, n) => `pool${n}`);
  await requests.upload(alice, { one_time_keys: oneTimeKeys(...names), fallback_keys: oneTimeKeys('last') });
  const claimed = await Promise.all(names.map((_, n) => (n % 2 === 0 ? claimOne() : claimAtOther())));
  expect(claimed.toSorted()).toEqual(names.map((name) => `signed_curve25519:${name}`).toSorted());
  expect([await claimOne(), await claimAtOther()]).toEqual(Array(2).fill('signed_curve25519:last'));
});

it('gives out no key of a device that is gone, nor of another that takes its name', async () => {
  const phone = await api.logIn('alice');
  await requests.upload(phone, {
    one_time_keys: oneTimeKeys('gone'),
    fallback_keys: oneTimeKeys('gone too'),
  });
  await api.request('POST', '/logout', phone);
  expect(await claimOne(phone)).toBeUndefined();
  const again = await api.logIn('alice', { device_id: phone.deviceId });
  expect(await claimOne(again)).toBeUndefined();
  expect((await requests.upload(again, {})).body).toEqual({ one_time_key_counts: { [ALGORITHM]: 0 } });
});

it('stores an upload once that is sent several times at once', async () => {
  const phone = await api.logIn('alice');
  const keys = { one_time_keys: oneTimeKeys('x', 'y'), fallback_keys: oneTimeKeys('f') };
  const answers = await Promise.all(Array.from({ length: 5 }, () => requests.upload(phone, keys)));
  for (const { status, body } of answers) {
    expect([status, body]).toEqual([200, { one_time_key_counts: { [ALGORITHM]: 2 } }]);
  }
  expect([await claimOne(phone), await claimOne(phone), await claimOne(phone)].toSorted()).toEqual([
    'signed_curve25519:f',
    'signed_curve25519:x',
    'signed_curve25519:y',
  ]);
});

it('tells a waiting sync of the device, and no other, how many are left', async () => {
  const phone = await api.logIn('alice');
  await requests.upload(phone, { one_time_keys: oneTimeKeys('p', 'q'), fallback_keys: oneTimeKeys('f') });
  const sync = async (since: string, timeout: number) => {
    const { body } = await api.request('GET', `/sync?since=${since}&timeout=${timeout}`, phone);
    return body;
  };
  const { body: first } = await api.request('GET', '/sync', phone);
  const keys = {
    device_one_time_keys_count: { [ALGORITHM]: 2 },
    device_unused_fallback_key_types: [ALGORITHM],
  };
  expect(first).toMatchObject(keys);

  // Counts alone are no reason to answer at once.
  const quiet = await sync(textOf(first['next_batch']), 100);
  expect(quiet).toEqual({ next_batch: quiet['next_batch'], ...keys });

  const waiting = sync(textOf(quiet['next_batch']), 30_000);
  expect(await claimOne(phone)).toBe('signed_curve25519:p');
  expect(await waiting).toMatchObject({ ...keys, device_one_time_keys_count: { [ALGORITHM]: 1 } });

  await claimOne(phone);
  await claimOne(phone);
  expect(await sync(textOf((await waiting)['next_batch']), 30_000)).toMatchObject({
    device_one_time_keys_count: { [ALGORITHM]: 0 },
    device_unused_fallback_key_types: [],
  });
});

it('wakes a connection of sliding sync that asks for it', async () => {
  const phone = await api.logIn('alice');
  await requests.upload(phone, { one_time_keys: oneTimeKeys('p', 'q') });
  const slide = async (pos?: string) => {
    const body = {
      conn_id: 'keys',
      timeout: 30_000,
      extensions: { e2ee: { enabled: true } },
      ...(pos && { pos }),
    };
    return (await api.request('POST', '/_matrix/client/v4/sync', { token: phone.token, body })).body;
  };
  const told = (left: number) => ({
    extensions: {
      e2ee: { device_one_time_keys_count: { [ALGORITHM]: left }, device_unused_fallback_key_types: [] },
    },
  });
  const first = await slide();
  expect(first).toMatchObject(told(2));
  const waiting = slide(textOf(first['pos']));
  await claimOne(phone);
  expect(await waiting).toMatchObject(told(1));
});

it('answers for other servers with a failure while these cannot be asked', async () => {
  const body = { one_time_keys: { '@carol:elsewhere.example': { PHONE: ALGORITHM } } };
  expect(await requests.claim(bob, body)).toMatchObject({
    status: 200,
    body: { one_time_keys: {}, failures: { 'elsewhere.example': { errcode: 'M_UNKNOWN' } } },
  });
});

it.each([
  {},
  { one_time_keys: [] },
  { one_time_keys: { nobody: {} } },
  { one_time_keys: { '@a:hs1': { D: 7 } } },
])('%j is refused', async (body) => {
  expect(await requests.claim(bob, body)).toMatchObject({ status: 400, body: { errcode: 'M_BAD_JSON' } });
});
