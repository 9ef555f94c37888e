import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { Method, Preset } from 'matrix-js-sdk';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { EncryptedDevice } from './encrypted-device.js';

/** One story, told in order, by clients that encrypt: no server has the keys. */
const devices: EncryptedDevice[] = [];
let alice: EncryptedDevice;
let bob: EncryptedDevice;
let roomId: string;
const all = () => devices.map((device) => device.readable(roomId));
const keep = (device: EncryptedDevice) => {
  devices.push(device);
  return device;
};

beforeAll(async () => {
  const url = sharedCluster().clientUrl;
  alice = keep(await EncryptedDevice.register(url, 'alice'));
  bob = keep(await EncryptedDevice.register(url, 'bob'));
  await alice.setUpRecovery();
  keep(await alice.onAnotherDevice());
  keep(await bob.onAnotherDevice());
}, 120_000);
afterAll(() => {
  for (const device of devices) device.stop();
});

test('two people with two devices each read what every device says', async () => {
  const created = await alice.client.createRoom({
    preset: Preset.PrivateChat,
    invite: [bob.userId],
    initial_state: [
      { type: 'm.room.encryption', state_key: '', content: { algorithm: 'm.megolm.v1.aes-sha2' } },
    ],
  });
  roomId = created.room_id;
  await bob.client.joinRoom(roomId);
  for (const device of devices) {
    await device.until('both members', () => device.client.getRoom(roomId)?.getJoinedMemberCount() === 2);
  }
  const said: string[] = [];
  for (const [n, device] of devices.entries()) {
    said.push(`from device ${n}`);
    await device.say(roomId, `from device ${n}`);
    for (const reader of devices) {
      await reader.until(`"from device ${n}"`, () => reader.readable(roomId).includes(`from device ${n}`));
    }
  }
  for (const texts of all()) expect(texts.toSorted()).toEqual(said);
}, 120_000);

test('a new device reads what was said before it came, from the key backup', async () => {
  await alice.until('all keys in the backup', async () => {
    // The client itself would answer from its cache.
    const backup = await alice.client.http.authedRequest<{ count: number }>(Method.Get, '/room_keys/version');
    return backup.count === devices.length;
  });
  const fresh = keep(await alice.onAnotherDevice());
  await fresh.until('the messages', () => fresh.seen(roomId) === 4);
  expect(fresh.readable(roomId)).toEqual([]);
  await fresh.crypto.loadSessionBackupPrivateKeyFromSecretStorage();
  expect(await fresh.crypto.restoreKeyBackup()).toMatchObject({ imported: 4 });
  await fresh.until('the texts', () => fresh.readable(roomId).length === 4);
  await bob.say(roomId, 'hello, new device');
  await fresh.until('the next message', () => fresh.readable(roomId).includes('hello, new device'));
}, 120_000);

test('a client makes a dehydrated device, and others learn of it', async () => {
  expect(await alice.crypto.isDehydrationSupported()).toBe(true);
  await alice.crypto.startDehydration({ createNewKey: true });
  await bob.until('the dehydrated device', async () => {
    const known = await bob.crypto.getUserDeviceInfo([alice.userId]);
    return [...(known.get(alice.userId)?.values() ?? [])].some(({ dehydrated }) => dehydrated);
  });
}, 120_000);

test('what is said while none of their devices is left reaches a new device through the dehydrated one', async () => {
  for (const device of devices.filter(({ userId }) => userId === alice.userId)) {
    await device.client.logout(true);
    devices.splice(devices.indexOf(device), 1);
  }
  await bob.until('no device but the dehydrated one', async () => {
    const known = await bob.crypto.getUserDeviceInfo([alice.userId]);
    return [...(known.get(alice.userId)?.values() ?? [])].every(({ dehydrated }) => dehydrated);
  });
  await bob.say(roomId, 'to nobody who is there');
  const fresh = keep(await alice.onAnotherDevice());
  expect(fresh.readable(roomId)).toEqual([]);
  await fresh.until('its identity', () => fresh.crypto.userHasCrossSigningKeys(fresh.userId, true));
  await fresh.crypto.bootstrapCrossSigning({});
  await fresh.crypto.startDehydration();
  await fresh.until('the message', () => fresh.readable(roomId).includes('to nobody who is there'));
}, 120_000);
