import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import {
  type ClientEvent,
  type Federation,
  path,
  register,
  startFederation,
  type SyncAnswer,
  type SyncFollower,
  type TestUser,
} from '@atoll/testing';
import { testSettings } from '../test-settings.js';

let federation: Federation;
/** Of the first server, and of the second one. */
let alice: TestUser;
let bob: TestUser;

beforeAll(async () => {
  const instances = { 'federation-sender': 1, media: 0, push: 0 };
  federation = await startFederation({ servers: ['cluster', 'all-in-one'], instances, env: testSettings });
  const [one, two] = federation.servers;
  if (!one || !two) throw new Error('two servers were asked for');
  alice = await register(one.clientUrl, 'alice');
  bob = await register(two.clientUrl, 'bob');
}, 90_000);
afterAll(() => federation.stop());

async function roomOfBoth(): Promise<string> {
  const roomId = await alice.createRoom({ preset: 'public_chat' });
  await bob.expect(
    'POST',
    path`/v3/join/${roomId}` + `?via=${alice.userId.split(':').slice(1).join(':')}`,
    {},
  );
  return roomId;
}

const ephemeral = ({ rooms }: SyncAnswer, roomId: string, type: string): ClientEvent | undefined =>
  rooms?.join?.[roomId]?.ephemeral?.events.find((event) => event.type === type);

async function next(follower: SyncFollower, roomId: string, type: string): Promise<ClientEvent['content']> {
  const answer = await follower.until(type, (news) => ephemeral(news, roomId, type) !== undefined);
  return ephemeral(answer, roomId, type)?.content ?? {};
}

const setTyping = (user: TestUser, roomId: string, typing: boolean) =>
  user.expect('PUT', path`/v3/rooms/${roomId}/typing/${user.userId}`, { typing, timeout: 60_000 });
const read = (user: TestUser, roomId: string, eventId: string, body: object = {}) =>
  user.expect('POST', path`/v3/rooms/${roomId}/receipt/m.read/${eventId}`, body);

describe.each([
  ['to the other server', () => [alice, bob] as const],
  ['and back', () => [bob, alice] as const],
])('what is in no timeline crosses %s', (_way, users) => {
  test('typing, and its end', async () => {
    const [from, to] = users();
    const roomId = await roomOfBoth();
    const follower = await to.follow();
    await setTyping(from, roomId, true);
    expect(await next(follower, roomId, 'm.typing')).toEqual({ user_ids: [from.userId] });
    await setTyping(from, roomId, false);
    expect(await next(follower, roomId, 'm.typing')).toEqual({ user_ids: [] });
  });

  test('receipts, unthreaded and of a thread; no private ones', async () => {
    const [from, to] = users();
    const roomId = await roomOfBoth();
    const eventId = await to.send(roomId, 'read this');
    await (await from.follow('s1_0')).untilEvent(roomId, eventId);
    const follower = await to.follow();
    await from.expect('POST', path`/v3/rooms/${roomId}/receipt/m.read.private/${eventId}`, {});
    await read(from, roomId, eventId, { thread_id: 'main' });
    const threaded = { ts: expect.any(Number), thread_id: 'main' };
    expect(await next(follower, roomId, 'm.receipt')).toEqual({
      [eventId]: { 'm.read': { [from.userId]: threaded } },
    });
    await read(from, roomId, eventId);
    expect(await next(follower, roomId, 'm.receipt')).toEqual({
      [eventId]: { 'm.read': { [from.userId]: { ts: expect.any(Number) } } },
    });
  });
});

test('a server that the server ACL denies is neither told nor heard', async () => {
  const roomId = await roomOfBoth();
  const followers = [await alice.follow(), await bob.follow()];
  const [, two] = federation.servers;
  const host = two?.serverName.split(':')[0] ?? '';
  // Both have the same host name here: the first one goes on, for nobody asks whether it may talk to itself.
  const denied = await alice.setState(roomId, 'm.room.server_acl', { allow: ['*'], deny: [host] });
  await Promise.all(followers.map((follower) => follower.untilEvent(roomId, denied)));
  const open = await roomOfBoth();
  for (const [from, follower] of [
    [alice, followers[1]],
    [bob, followers[0]],
  ] as const) {
    if (follower === undefined) throw new Error('two followers');
    await setTyping(from, roomId, true);
    await setTyping(from, open, true);
    await next(follower, open, 'm.typing');
    const told = follower.answers.map((answer) => ephemeral(answer, roomId, 'm.typing'));
    expect(told.filter((event) => JSON.stringify(event ?? '').includes(from.userId))).toEqual([]);
  }
});
