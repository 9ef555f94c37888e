import { beforeEach, describe, expect, test } from '@jest/globals';
import { path, type SyncAnswer, type SyncFollower, type TestUser } from '@atoll/testing';
import { newUsers, outcome } from '../users.js';

let alice: TestUser;
let bob: TestUser;
beforeEach(async () => {
  [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
});

const statusOf = (user: TestUser) => path`/v3/presence/${user.userId}/status`;
const set = (user: TestUser, presence: string, status_msg?: string) =>
  user.expect('PUT', statusOf(user), { presence, ...(status_msg !== undefined && { status_msg }) });

/** What an answer tells of a user's presence. */
const told = (answer: SyncAnswer, user: TestUser) =>
  (answer.presence?.events ?? [])
    .filter((event) => event.sender === user.userId)
    .map((event) => event.content['presence']);
const hears = (follower: SyncFollower, user: TestUser, presence: string) =>
  follower.until(`${user.userId} ${presence}`, (answer) => told(answer, user).includes(presence));

async function shareRoom(): Promise<string> {
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  await bob.join(roomId);
  return roomId;
}

describe('presence (behaviour 30)', () => {
  test('of a new user is there, and strangers do not see it', async () => {
    expect(await alice.expect('GET', statusOf(alice))).toMatchObject({ presence: 'offline' });
    expect(outcome(await bob.request('GET', statusOf(alice)))).toBe('403 M_FORBIDDEN');
    expect(outcome(await bob.request('PUT', statusOf(alice), { presence: 'online' }))).toBe(
      '403 M_FORBIDDEN',
    );
    expect(outcome(await alice.request('PUT', statusOf(alice), { presence: 'busy' }))).toBe('400 M_BAD_JSON');
  });

  test('is told once to both sides as they come together, and not again', async () => {
    const [ofAlice, ofBob] = [await alice.follow(), await bob.follow()];
    await shareRoom();
    expect(told(await hears(ofAlice, bob, 'online'), bob)).toEqual(['online']);
    expect(told(await hears(ofBob, alice, 'online'), alice)).toEqual(['online']);
    for (const follower of [ofAlice, ofBob]) {
      const { presence } = await follower.next();
      expect(presence).toBeUndefined();
    }
    expect(await bob.expect('GET', statusOf(alice))).toMatchObject({
      presence: 'online',
      currently_active: true,
      last_active_ago: expect.any(Number),
    });
  });

  test('is what a user sets, with a message, and what a sync says', async () => {
    await shareRoom();
    const follower = await alice.follow();
    await set(bob, 'online', 'here');
    const online = await hears(follower, bob, 'online');
    expect(online.presence?.events.find(({ sender }) => sender === bob.userId)).toEqual({
      type: 'm.presence',
      sender: bob.userId,
      content: {
        presence: 'online',
        status_msg: 'here',
        currently_active: true,
        last_active_ago: expect.any(Number),
      },
    });
    await set(bob, 'unavailable', 'there');
    await hears(follower, bob, 'unavailable');
    await bob.sync();
    await hears(follower, bob, 'online');
    await bob.sync({ set_presence: 'unavailable' });
    await hears(follower, bob, 'unavailable');
    await bob.sync();
    await hears(follower, bob, 'online');
    await set(bob, 'offline');
    await hears(follower, bob, 'offline');
    await bob.sync({ set_presence: 'offline' });
    expect(await alice.expect('GET', statusOf(bob))).toMatchObject({ presence: 'offline' });
  });

  test('of an idle user is online again with activity', async () => {
    const roomId = await shareRoom();
    const follower = await alice.follow();
    await set(bob, 'unavailable');
    await hears(follower, bob, 'unavailable');
    await bob.send(roomId, 'back');
    await hears(follower, bob, 'online');
  });

  test('of those in no common room is not told', async () => {
    const follower = await alice.follow();
    await set(bob, 'online');
    await set(alice, 'unavailable');
    const { presence } = await hears(follower, alice, 'unavailable');
    expect(presence?.events.map(({ sender }) => sender)).toEqual([alice.userId]);
  });
});
