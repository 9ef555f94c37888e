import { afterAll, beforeAll, expect, test } from '@jest/globals';
import {
  login,
  path,
  query,
  register,
  startFederation,
  type FederatedServer,
  type Federation,
  type SyncAnswer,
  type SyncFollower,
  type TestUser,
} from '@atoll/testing';
import { testSettings } from '../test-settings.js';
import { eventually } from './eventually.js';

const ALGORITHM = 'signed_curve25519';
let federation: Federation;
let here: FederatedServer;
let there: FederatedServer;
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  federation = await startFederation({ servers: ['all-in-one', 'all-in-one'], env: testSettings });
  [here, there] = federation.servers as [FederatedServer, FederatedServer];
  alice = await register(here.clientUrl, 'alice');
  bob = await register(there.clientUrl, 'bob');
}, 120_000);
afterAll(() => federation.stop());

const deviceKeys = ({ userId, session: { deviceId } }: TestUser) => ({
  user_id: userId,
  device_id: deviceId,
  algorithms: ['m.olm.v1.curve25519-aes-sha2', 'm.megolm.v1.aes-sha2'],
  keys: { [`curve25519:${deviceId}`]: 'identity', [`ed25519:${deviceId}`]: 'fingerprint' },
  signatures: { [userId]: { [`ed25519:${deviceId}`]: 'signature' } },
});
const upload = (device: TestUser, more: object = {}) =>
  device.expect('POST', '/v3/keys/upload', { device_keys: deviceKeys(device), ...more });

type Devices = Record<string, { readonly unsigned?: { readonly device_display_name?: string } }>;
/** The devices of a user of the other server with their names, once they fit. */
async function devicesOf(user: TestUser, fits: (names: Record<string, string | undefined>) => boolean) {
  const look = async () => {
    const body = { device_keys: { [user.userId]: [] } };
    const answer = await alice.expect('POST', '/v3/keys/query', body);
    const devices = (answer['device_keys'] as Record<string, Devices>)[user.userId] ?? {};
    return Object.fromEntries(
      Object.entries(devices).map(([id, { unsigned }]) => [id, unsigned?.device_display_name]),
    );
  };
  return eventually(look, fits, 20_000);
}
const changed = (answer: SyncAnswer) =>
  (answer as { device_lists?: { changed?: string[] } }).device_lists?.changed?.includes(bob.userId) === true;
const hears = (follower: SyncFollower) => follower.until('change', changed, 30_000);

test('keys and device lists cross servers, through an outage too (behaviours 40 and 42)', async () => {
  const oneTimeKeys = Object.fromEntries(
    [1, 2].map((n) => [`${ALGORITHM}:${n}`, { key: `${n}`, signatures: {} }]),
  );
  await upload(bob, { one_time_keys: oneTimeKeys });
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  const ofAlice = await alice.follow();
  await bob.expect('POST', path`/v3/join/${roomId}` + query({ server_name: here.serverName }), {});
  await hears(ofAlice);
  const first = bob.session.deviceId;
  expect(Object.keys(await devicesOf(bob, (names) => first in names))).toEqual([first]);

  // Each one-time key once, then none.
  const wanted = { one_time_keys: { [bob.userId]: { [first]: ALGORITHM } } };
  const claim = async () => (await alice.expect('POST', '/v3/keys/claim', wanted))['one_time_keys'];
  const claims = [await claim(), await claim(), await claim()];
  expect(claims.slice(0, 2)).toEqual(
    [1, 2].map((n) => ({
      [bob.userId]: { [first]: { [`${ALGORITHM}:${n}`]: oneTimeKeys[`${ALGORITHM}:${n}`] } },
    })),
  );
  expect(claims[2]).toEqual({});

  // A device comes, is renamed, and goes.
  const phone = await login(there.clientUrl, bob.userId, { initial_device_display_name: 'Phone' });
  const second = phone.session.deviceId;
  await upload(phone);
  await hears(ofAlice);
  expect(await devicesOf(bob, (names) => names[second] === 'Phone')).toMatchObject({ [second]: 'Phone' });
  await bob.expect('PUT', path`/v3/devices/${second}`, { display_name: 'Telephone' });
  await hears(ofAlice);
  expect(await devicesOf(bob, (names) => names[second] === 'Telephone')).toMatchObject({
    [second]: 'Telephone',
  });
  await phone.expect('POST', '/v3/logout', {});
  await hears(ofAlice);
  expect(Object.keys(await devicesOf(bob, (names) => !(second in names)))).toEqual([first]);

  // While this server is stopped.
  const [process] = here.instances('client-api');
  await process?.stop();
  const tablet = await login(there.clientUrl, bob.userId, { initial_device_display_name: 'Tablet' });
  await upload(tablet);
  await process?.start();
  await hears(ofAlice);
  const third = tablet.session.deviceId;
  expect(await devicesOf(bob, (names) => names[third] === 'Tablet')).toMatchObject({ [third]: 'Tablet' });

  // Who is known is told although the other server is away; who is not is a failure.
  await there.network.cut();
  const stranger = `@stranger:${there.serverName}`;
  const answer = await alice.expect('POST', '/v3/keys/query', {
    device_keys: { [bob.userId]: [], [stranger]: [] },
    timeout: 2_000,
  });
  expect(
    Object.keys((answer['device_keys'] as Record<string, Devices>)[bob.userId] ?? {}).toSorted(),
  ).toEqual([first, third].toSorted());
  expect(Object.keys(answer['failures'] as object)).toEqual([there.serverName]);
}, 150_000);
