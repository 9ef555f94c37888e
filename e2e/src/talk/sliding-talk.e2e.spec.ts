import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Preset } from 'matrix-js-sdk';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { SdkUser } from './sdk-user.js';

/** One story, told in order. */
describe('people whose clients slide', () => {
  let alice: SdkUser;
  let bob: SdkUser;
  let roomId: string;

  beforeAll(async () => {
    const url = sharedCluster().clientUrl;
    [alice, bob] = await Promise.all([
      SdkUser.register(url, 'alice', true),
      SdkUser.register(url, 'bob', true),
    ]);
  });
  afterAll(() => {
    for (const user of [alice, bob]) user.stop();
  });

  test('see a new room, and the invite to it', async () => {
    const options = { name: 'Harbour', preset: Preset.PrivateChat, invite: [bob.userId] };
    roomId = (await alice.client.createRoom(options)).room_id;
    await alice.eventually('the room', () => alice.room(roomId)?.name === 'Harbour');
    await bob.eventually('the invite', () => bob.membership(roomId) === 'invite');
    expect(bob.room(roomId)?.name).toBe('Harbour');
  });

  test('join, and talk', async () => {
    await bob.client.joinRoom(roomId);
    await bob.eventually('the join', () => bob.membership(roomId) === 'join');
    await alice.eventually('bob', () => alice.membership(roomId, bob.userId) === 'join');
    expect(alice.room(roomId)?.getJoinedMemberCount()).toBe(2);
    for (const [who, other, text] of [
      [alice, bob, 'land in sight'],
      [bob, alice, 'drop the anchor'],
    ] as const) {
      await who.client.sendTextMessage(roomId, text);
      for (const one of [who, other]) {
        await one.eventually(text, () => one.messages(roomId).filter((said) => said === text).length === 1);
      }
    }
  });

  test('see who types, and how far others have read', async () => {
    await bob.client.sendTyping(roomId, true, 60_000);
    await alice.eventually('typing', () => alice.room(roomId)?.getMember(bob.userId)?.typing === true);
    await bob.client.sendTyping(roomId, false, 0);
    await alice.eventually('no typing', () => alice.room(roomId)?.getMember(bob.userId)?.typing === false);
    const last = bob.timeline(roomId).findLast((event) => event.getType() === 'm.room.message');
    await bob.client.sendReadReceipt(last ?? null);
    await alice.eventually(
      'the receipt',
      () => alice.room(roomId)?.getEventReadUpTo(bob.userId, true) === last?.getId(),
    );
  });
});
