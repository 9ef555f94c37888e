import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { startAllInOne, type AllInOne } from '@atoll/testing';
import { Direction, EventTimeline, Preset, type MatrixError } from 'matrix-js-sdk';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { testSettings } from '../test-settings.js';
import { SdkUser } from './sdk-user.js';

/** One story, told in order: each test continues where the one before it stopped. */
describe.each(['six-process cluster', 'all-in-one'])('people talk through the %s', (topology) => {
  let allInOne: AllInOne | undefined;
  let alice: SdkUser;
  let bob: SdkUser;
  let carol: SdkUser;
  let roomId: string;

  beforeAll(async () => {
    if (topology === 'all-in-one') allInOne = await startAllInOne({ env: testSettings });
    const url = allInOne?.clientUrl ?? sharedCluster().clientUrl;
    [alice, bob, carol] = await Promise.all([
      SdkUser.register(url, 'alice'),
      SdkUser.register(url, 'bob'),
      SdkUser.register(url, 'carol'),
    ]);
  });
  afterAll(async () => {
    for (const user of [alice, bob, carol]) user.stop();
    await allInOne?.stop();
  });

  const say = async (who: SdkUser, text: string) => (await who.client.sendTextMessage(roomId, text)).event_id;
  const hears = (who: SdkUser, text: string) =>
    who.eventually(`"${text}"`, () => who.messages(roomId).includes(text));
  const becomes = (who: SdkUser, membership: string) =>
    who.eventually(`own ${membership}`, () => who.membership(roomId) === membership);

  test('a new room appears to its creator, an invite to the invited, nothing to others', async () => {
    const created = await alice.client.createRoom({
      name: 'Harbour',
      preset: Preset.PrivateChat,
      invite: [bob.userId],
    });
    roomId = created.room_id;
    await alice.eventually('the room', () => alice.room(roomId)?.name === 'Harbour');
    await becomes(bob, 'invite');
    expect(bob.room(roomId)?.name).toBe('Harbour');
    expect(carol.room(roomId)).toBeUndefined();
  });

  test('the invited join, and everybody inside sees it', async () => {
    await bob.client.joinRoom(roomId);
    await becomes(bob, 'join');
    await alice.eventually('bob', () => alice.membership(roomId, bob.userId) === 'join');
    expect(bob.room(roomId)?.getJoinedMemberCount()).toBe(2);
  });

  test('both talk and hear each other; an outsider hears and says nothing', async () => {
    await say(alice, 'land in sight');
    await hears(bob, 'land in sight');
    await say(bob, 'drop the anchor');
    await hears(alice, 'drop the anchor');
    const refused = await carol.client
      .sendTextMessage(roomId, 'me too')
      .catch((error: unknown) => error as MatrixError);
    expect(refused).toMatchObject({ httpStatus: 403, errcode: 'M_FORBIDDEN' });
    expect(carol.room(roomId)).toBeUndefined();
  });

  test('a new device pages back to the beginning of the room', async () => {
    const said: string[] = [];
    for (let n = 1; n <= 40; n += 1) said.push(`wave ${n}`);
    for (const text of said) await say(alice, text);
    await hears(bob, 'wave 40');

    const device = await bob.onAnotherDevice();
    const room = device.room(roomId);
    if (!room) throw new Error('the room is not in the first sync');
    expect(device.messages(roomId)).toEqual(said.slice(-8));
    while (room.getLiveTimeline().getPaginationToken(EventTimeline.BACKWARDS) !== null) {
      await device.client.scrollback(room, 15);
    }
    expect(device.messages(roomId)).toEqual(['land in sight', 'drop the anchor', ...said]);
    expect(device.timeline(roomId)[0]?.getType()).toBe('m.room.create');
    device.stop();
  });

  test('what is redacted loses its content for everybody', async () => {
    const eventId = await say(bob, 'a secret');
    await hears(alice, 'a secret');
    await bob.client.redactEvent(roomId, eventId);
    const shown = () => alice.timeline(roomId).find((event) => event.getId() === eventId);
    await alice.eventually('the redaction', () => shown()?.isRedacted());
    expect(shown()?.getContent()).toEqual({});
    expect((await alice.client.fetchRoomEvent(roomId, eventId)).content).toEqual({});
  });

  test('the kicked see that they were, and nothing after it', async () => {
    await alice.client.invite(roomId, carol.userId);
    await becomes(carol, 'invite');
    await carol.client.joinRoom(roomId);
    await becomes(carol, 'join');
    await say(alice, 'welcome, Carol');
    await hears(carol, 'welcome, Carol');

    await alice.client.kick(roomId, carol.userId, 'enough');
    await becomes(carol, 'leave');
    await bob.eventually('the kick', () => bob.membership(roomId, carol.userId) === 'leave');
    await say(alice, 'she is gone');
    await hears(bob, 'she is gone');
    const page = await carol.client.createMessagesRequest(roomId, null, 10, Direction.Backward);
    expect(page.chunk.map((event) => String(event.content['body']))).not.toContain('she is gone');
    expect(carol.messages(roomId)).not.toContain('she is gone');
  });

  test('the banned cannot come back until they are unbanned', async () => {
    await alice.client.ban(roomId, carol.userId);
    await bob.eventually('the ban', () => bob.membership(roomId, carol.userId) === 'ban');
    await expect(carol.client.joinRoom(roomId)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    await expect(alice.client.invite(roomId, carol.userId)).rejects.toMatchObject({ errcode: 'M_FORBIDDEN' });
    await alice.client.unban(roomId, carol.userId);
    await bob.eventually('the unban', () => bob.membership(roomId, carol.userId) === 'leave');
    await alice.client.invite(roomId, carol.userId);
    await becomes(carol, 'invite');
  });

  test('who leaves and forgets has nothing left of the room', async () => {
    await bob.client.leave(roomId);
    await becomes(bob, 'leave');
    await alice.eventually('the leave', () => alice.membership(roomId, bob.userId) === 'leave');
    await bob.client.forget(roomId);
    expect((await bob.client.getJoinedRooms()).joined_rooms).not.toContain(roomId);
    const device = await bob.onAnotherDevice();
    expect(device.room(roomId)).toBeUndefined();
    device.stop();
    const refused = bob.client.createMessagesRequest(roomId, null, 10, Direction.Backward);
    await expect(refused).rejects.toMatchObject({ httpStatus: 403, errcode: 'M_FORBIDDEN' });
  });
});
