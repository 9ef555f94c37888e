import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Federation, startFederation } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { testSettings } from '../test-settings.js';
import { EncryptedDevice } from './encrypted-device.js';
import { EncryptedRoom } from './encrypted-room.js';
import { verifyByEmoji } from './verify-by-emoji.js';

type Devices = [EncryptedDevice, EncryptedDevice, EncryptedDevice];

let federation: Federation | undefined;
afterAll(() => federation?.stop());

/** Where the two people have their accounts. */
const onOneCluster = () => {
  const { clientUrl } = sharedCluster();
  return Promise.resolve([clientUrl, clientUrl]);
};
const onTwoServers = async () => {
  federation = await startFederation({ servers: ['all-in-one', 'all-in-one'], env: testSettings });
  return federation.servers.map(({ clientUrl }) => clientUrl);
};

/**
 * One story, told in order, of two people with three devices each. After every chapter each device has read all that it is entitled to:
 * not one message that could not be decrypted.
 */
describe.each([
  ['on one cluster', onOneCluster],
  ['on two servers', onTwoServers],
])('encrypted talk %s', (_where, start) => {
  let alice: Devices;
  let bob: Devices;
  let room: EncryptedRoom;

  beforeAll(async () => {
    const [aliceUrl = '', bobUrl = ''] = await start();
    alice = await person(aliceUrl, 'alice');
    bob = await person(bobUrl, 'bob');
    room = await EncryptedRoom.open(alice, bob);
  }, 180_000);
  afterAll(() => {
    for (const device of [...alice, ...bob]) device.stop();
  });

  test('everybody reads what every device says', async () => {
    for (const device of [...alice, ...bob]) await room.say(device);
    await room.expectAllRead();
  }, 120_000);

  test('they verify each other by emoji, and each a second device: all others see it', async () => {
    await verifyByEmoji(bob[0], () => alice[0].crypto.requestVerificationDM(bob[0].userId, room.roomId));
    for (const [mine, other] of [
      [alice, bob],
      [bob, alice],
    ] as const) {
      await mine[0].until('a verified person', async () => {
        const status = await mine[0].crypto.getUserVerificationStatus(other[0].userId);
        return status.isCrossSigningVerified();
      });
      await verifyByEmoji(mine[0], () => mine[1].crypto.requestOwnUserVerification());
      await other[0].until('a verified device', async () => {
        const deviceId = mine[1].client.getDeviceId() ?? '';
        const status = await other[0].crypto.getDeviceVerificationStatus(mine[0].userId, deviceId);
        return status?.crossSigningVerified === true;
      });
    }
    await room.say(bob[2]);
    await room.expectAllRead();
  }, 120_000);

  test('a device that comes in the middle reads on from there', async () => {
    const last = await bob[0].onAnotherDevice();
    room.present.add(last);
    bob[2].stop();
    room.present.delete(bob[2]);
    bob[2] = last;
    await room.untilMembers(2);
    await room.untilKnown(last);
    for (const device of [alice[1], last, bob[0]]) await room.say(device);
    await room.expectAllRead();
    expect(last.unreadable(room.roomId)).toBeGreaterThan(0);
  }, 120_000);

  test('who has left reads nothing that is said meanwhile, and on from the return', async () => {
    await bob[0].client.leave(room.roomId);
    for (const device of bob) room.present.delete(device);
    await room.untilMembers(1);
    await room.say(alice[0]);
    await room.say(alice[2]);
    await room.expectAllRead();
    await alice[0].client.invite(room.roomId, bob[0].userId);
    await bob[0].until(
      'the invite',
      () => bob[0].client.getRoom(room.roomId)?.getMyMembership() === 'invite',
    );
    await bob[0].client.joinRoom(room.roomId);
    for (const device of bob) room.present.add(device);
    await room.untilMembers(2);
    for (const device of [alice[0], bob[1], alice[2], bob[2]]) await room.say(device);
    await room.expectAllRead();
  }, 120_000);

  test('one side, offline for all of an exchange, reads it when it is back', async () => {
    for (const device of bob) device.cutOff();
    for (let round = 0; round < 2; round += 1) {
      for (const device of alice) await room.say(device);
      // From a new key on, which nobody who is offline can have.
      await alice[0].crypto.forceDiscardSession(room.roomId);
    }
    await room.expectAllRead(alice);
    for (const device of bob) device.reconnect();
    await room.expectAllRead();
    await room.say(bob[1]);
    await room.expectAllRead();
  }, 180_000);

  test('a new identity is seen by the other, and the talk goes on', async () => {
    await alice[0].newIdentity();
    await bob[0].until('the change', async () => {
      const status = await bob[0].crypto.getUserVerificationStatus(alice[0].userId);
      return !status.isVerified() && status.needsUserApproval;
    });
    for (const device of [alice[0], bob[0], alice[1], bob[2]]) await room.say(device);
    await room.expectAllRead();
  }, 120_000);
});

async function person(url: string, name: string): Promise<Devices> {
  const first = await EncryptedDevice.register(url, name);
  await first.newIdentity();
  return [first, await first.onAnotherDevice(), await first.onAnotherDevice()];
}
