import { beforeEach, describe, expect, test } from '@jest/globals';
import { login, path, type SyncAnswer, type TestUser } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { SlidingClient } from '../sliding-client.js';
import { newUsers, outcome } from '../users.js';

const ALGORITHM = 'signed_curve25519';
let alice: TestUser;
let bob: TestUser;
beforeEach(async () => {
  [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
});

interface KeyAnswer extends SyncAnswer {
  readonly device_lists?: { readonly changed?: string[]; readonly left?: string[] };
}
const lists = (answer: SyncAnswer) => (answer as KeyAnswer).device_lists;
const deviceKeys = ({ userId, session: { deviceId } }: TestUser) => ({
  user_id: userId,
  device_id: deviceId,
  algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
  keys: { [`curve25519:${deviceId}`]: 'identity', [`ed25519:${deviceId}`]: 'fingerprint' },
  signatures: { [userId]: { [`ed25519:${deviceId}`]: 'signature' } },
});
const oneTimeKeys = (count: number) =>
  Object.fromEntries(
    Array.from({ length: count }, (_, n) => [`${ALGORITHM}:${n}`, { key: `key ${n}`, signatures: {} }]),
  );

describe('keys of devices (behaviours 39 and 40)', () => {
  test('are each claimed once, through whichever instance', async () => {
    const { deviceId } = bob.session;
    const keys = { device_keys: deviceKeys(bob), one_time_keys: oneTimeKeys(10) };
    const uploaded = await bob.expect('POST', '/v3/keys/upload', keys);
    expect(uploaded).toEqual({ one_time_key_counts: { [ALGORITHM]: 10 } });
    expect(await bob.expect('POST', '/v3/keys/upload', keys)).toEqual(uploaded);
    const { clientApis } = sharedCluster();
    // Connections that idled since an earlier file may be closing: a claim sent over one of them would be lost.
    await Promise.all(
      clientApis.map((url) =>
        alice
          .through(url)
          .request('GET', '/versions')
          .catch(() => undefined),
      ),
    );
    const claims = await Promise.all(
      Array.from({ length: 11 }, (_, n) =>
        alice
          .through(clientApis[n % clientApis.length] ?? '')
          .expect('POST', '/v3/keys/claim', { one_time_keys: { [bob.userId]: { [deviceId]: ALGORITHM } } }),
      ),
    );
    const claimed = claims.flatMap(({ one_time_keys: users }) => {
      const { [bob.userId]: devices = {} } = users as Record<string, Record<string, object>>;
      return Object.keys(devices[deviceId] ?? {});
    });
    expect(claimed.toSorted()).toEqual(Object.keys(oneTimeKeys(10)).toSorted());
  });

  test('of those who come, change or go are told to those in the room', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    const [ofAlice, ofBob] = [await alice.follow(), await bob.follow()];
    const { since } = ofAlice;
    await bob.join(roomId);
    const come = await ofAlice.until(
      'bob',
      (answer) => lists(answer)?.changed?.includes(bob.userId) === true,
    );
    expect(lists(come)?.left ?? []).toEqual([]);
    const came = await ofBob.until('the room', (answer) => lists(answer) !== undefined);
    expect(lists(came)?.changed?.toSorted()).toEqual([alice.userId, bob.userId].toSorted());

    const phone = await login(sharedCluster().clientUrl, bob.userId);
    await ofAlice.until('a new device', (answer) => lists(answer)?.changed?.includes(bob.userId) === true);
    await phone.expect('POST', '/v3/keys/upload', { device_keys: deviceKeys(phone) });
    await ofAlice.until('its keys', (answer) => lists(answer)?.changed?.includes(bob.userId) === true);
    const query = { device_keys: { [bob.userId]: [] } };
    expect(await alice.expect('POST', '/v3/keys/query', query)).toMatchObject({
      device_keys: { [bob.userId]: { [phone.session.deviceId]: deviceKeys(phone) } },
    });
    await phone.expect('POST', '/v3/logout');
    await ofAlice.until('no device', (answer) => lists(answer)?.changed?.includes(bob.userId) === true);
    expect((await alice.expect('POST', '/v3/keys/query', query))['device_keys']).toEqual({
      [bob.userId]: {},
    });

    await bob.leave(roomId);
    const gone = await ofAlice.until('nobody', (answer) => lists(answer)?.left !== undefined);
    expect(lists(gone)?.left).toEqual([bob.userId]);
    const changes = path`/v3/keys/changes?from=${since}&to=${ofAlice.since}`;
    expect(await alice.expect('GET', changes)).toEqual({ changed: [], left: [] });
  });

  test('wake a connection of sliding sync that is about no room', async () => {
    const roomId = await alice.createRoom({ preset: 'public_chat' });
    const client = new SlidingClient(alice, 'encryption');
    const body = { extensions: { e2ee: { enabled: true } }, timeout: 30_000 };
    const first = await client.next(body);
    expect(first.extensions['e2ee']).toEqual({
      device_one_time_keys_count: { [ALGORITHM]: 0 },
      device_unused_fallback_key_types: [],
    });
    const waiting = client.next(body);
    await bob.join(roomId);
    expect((await waiting).extensions['e2ee']).toMatchObject({
      device_lists: { changed: [bob.userId], left: [] },
    });
  });

  test('of others are refused', async () => {
    const refused = await alice.request('POST', '/v3/keys/upload', { device_keys: deviceKeys(bob) });
    expect(outcome(refused)).toBe('400 M_BAD_JSON');
    const object = { device_keys: { [bob.userId]: { [bob.session.deviceId]: '' } } };
    expect(outcome(await alice.request('POST', '/v3/keys/query', object))).toBe('400 M_BAD_JSON');
  });
});
