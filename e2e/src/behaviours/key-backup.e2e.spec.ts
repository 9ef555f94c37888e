import { beforeAll, describe, expect, test } from '@jest/globals';
import { login, path, type TestUser } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { newUser, outcome } from '../users.js';

const ALGORITHM = 'm.megolm_backup.v1.curve25519-aes-sha2';
const session = (first: number) => ({
  first_message_index: first,
  forwarded_count: 0,
  is_verified: true,
  session_data: { ephemeral: 'e', ciphertext: 'c', mac: 'm' },
});

describe('key backup (behaviour 41)', () => {
  let alice: TestUser;
  let instances: TestUser[];
  beforeAll(async () => {
    alice = await newUser('alice');
    instances = sharedCluster().clientApis.map((url) => alice.through(url));
  });

  test('is written through all instances at once, and read through each', async () => {
    const created = await alice.expect('POST', '/v3/room_keys/version', {
      algorithm: ALGORITHM,
      auth_data: { public_key: 'k' },
    });
    const { version } = created as { version?: string };
    const keys = (rest = '') => `/v3/room_keys/keys${rest}?version=${version ?? ''}`;
    const room = path`/${'!room:example.org'}`;
    await Promise.all(
      Array.from({ length: 12 }, (_, n) => {
        const body = { sessions: { shared: session(12 - n), [`own${n}`]: session(0) } };
        const instance = instances[n % instances.length] ?? alice;
        return instance.expect('PUT', keys(room), body);
      }),
    );
    for (const instance of instances) {
      expect(await instance.expect('GET', keys(`${room}/shared`))).toEqual(session(1));
      expect(await instance.expect('GET', '/v3/room_keys/version')).toMatchObject({
        version,
        count: 13,
        etag: '12',
      });
      const all = (await instance.expect('GET', keys())) as { rooms?: Record<string, { sessions: object }> };
      expect(Object.keys(all.rooms?.['!room:example.org']?.sessions ?? {})).toHaveLength(13);
    }
    expect(await alice.expect('DELETE', keys(`${room}/own3`))).toMatchObject({ count: 12 });
    expect(await alice.expect('DELETE', keys())).toMatchObject({ count: 0 });
    expect(await alice.expect('GET', keys())).toEqual({ rooms: {} });
    await alice.expect('DELETE', `/v3/room_keys/version/${version ?? ''}`);
    expect(outcome(await alice.request('GET', '/v3/room_keys/version'))).toBe('404 M_NOT_FOUND');
    expect(outcome(await alice.request('PUT', keys(), { rooms: {} }))).toBe('404 M_NOT_FOUND');
  });
});

describe('secret storage', () => {
  test('is account data: what one device keeps there, the next one finds, also in its sync', async () => {
    const alice = await newUser('alice');
    const secrets: Record<string, object> = {
      'm.secret_storage.default_key': { key: 'abc' },
      'm.secret_storage.key.abc': { algorithm: 'm.secret_storage.v1.aes-hmac-sha2', iv: 'i', mac: 'm' },
      'm.megolm_backup.v1': { encrypted: { abc: { iv: 'i', ciphertext: 'c', mac: 'm' } } },
    };
    const keptAt = (type: string) => path`/v3/user/${alice.userId}/account_data/${type}`;
    for (const [type, content] of Object.entries(secrets)) await alice.expect('PUT', keptAt(type), content);
    const phone = await login(sharedCluster().clientUrl, alice.userId);
    for (const [type, content] of Object.entries(secrets))
      expect(await phone.expect('GET', keptAt(type))).toEqual(content);
    const { account_data } = (await phone.sync({ timeout: 0 })) as {
      account_data?: { events: { type: string; content: object }[] };
    };
    const synced = Object.fromEntries(
      (account_data?.events ?? []).map(({ type, content }) => [type, content]),
    );
    expect(synced).toMatchObject(secrets);
  });
});
