import { beforeAll, describe, expect, test } from '@jest/globals';
import { type ClientEvent, path, type SyncAnswer, type SyncFollower, type TestUser } from '@atoll/testing';
import { newUsers, outcome } from '../users.js';

let alice: TestUser;
let bob: TestUser;
let roomId: string;
beforeAll(async () => {
  [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
});

const ephemeral = (answer: SyncAnswer, type: string): ClientEvent | undefined =>
  answer.rooms?.join?.[roomId]?.ephemeral?.events.find((event) => event.type === type);

/** The next event of the type in the room. */
async function next(follower: SyncFollower, type: string): Promise<ClientEvent | undefined> {
  return ephemeral(await follower.until(type, (answer) => ephemeral(answer, type) !== undefined), type);
}

async function roomOfBoth(): Promise<void> {
  roomId = await alice.createRoom({ preset: 'public_chat' });
  await bob.join(roomId);
}

const type = (user: TestUser, body: object) =>
  user.request('PUT', path`/v3/rooms/${roomId}/typing/${user.userId}`, body);
const read = (user: TestUser, eventId: string, receiptType = 'm.read', body: object = {}) =>
  user.request('POST', path`/v3/rooms/${roomId}/receipt/${receiptType}/${eventId}`, body);

describe('typing (behaviour 31)', () => {
  beforeAll(roomOfBoth);

  test('is told without a room id, ends when it is stopped and when its time is over', async () => {
    const follower = await alice.follow();
    await type(bob, { typing: true, timeout: 60_000 });
    expect(await next(follower, 'm.typing')).toEqual({
      type: 'm.typing',
      content: { user_ids: [bob.userId] },
    });
    await type(bob, { typing: false });
    expect((await next(follower, 'm.typing'))?.content).toEqual({ user_ids: [] });
    await type(bob, { typing: true, timeout: 50 });
    expect((await next(follower, 'm.typing'))?.content).toEqual({ user_ids: [bob.userId] });
    expect((await next(follower, 'm.typing'))?.content).toEqual({ user_ids: [] });
  });

  test('is refused for others, for who is not in the room, and in any other form', async () => {
    const carol = (await newUsers('carol'))[0] as TestUser;
    expect(outcome(await type(carol, { typing: true }))).toBe('403 M_FORBIDDEN');
    const target = path`/v3/rooms/${roomId}/typing/${alice.userId}`;
    expect(outcome(await bob.request('PUT', target, { typing: true }))).toBe('403 M_FORBIDDEN');
    expect(outcome(await type(bob, { typing: 'yes' }))).toBe('400 M_BAD_JSON');
    expect(outcome(await type(bob, { timeout: 1 }))).toMatch(/^400 M_/);
    expect(outcome(await type(bob, { typing: true, timeout: -1 }))).toBe('400 M_BAD_JSON');
  });
});

describe('receipts (behaviours 31 and 33)', () => {
  beforeAll(roomOfBoth);

  test('and typing are nothing to those outside, or who have left', async () => {
    const [outsider, departed] = (await newUsers('outsider', 'departed')) as [TestUser, TestUser];
    await departed.join(roomId);
    await departed.leave(roomId);
    const eventId = await alice.send(roomId, 'read this');
    const followers = [await outsider.follow(), await departed.follow()];
    const inside = await alice.follow();
    await type(bob, { typing: true, timeout: 60_000 });
    await read(bob, eventId);
    await inside.until('both', (answer) => ephemeral(answer, 'm.receipt') !== undefined);
    await type(bob, { typing: false });
    for (const follower of followers) {
      const { rooms } = await follower.next();
      expect(rooms?.join ?? {}).toEqual({});
      expect(rooms?.leave ?? {}).toEqual({});
    }
  });

  test('are told to everybody, private ones to their user alone', async () => {
    const eventId = await alice.send(roomId, 'read this');
    const [ofAlice, ofBob] = [await alice.follow(), await bob.follow()];
    await read(bob, eventId, 'm.read.private');
    expect((await next(ofBob, 'm.receipt'))?.content).toEqual({
      [eventId]: { 'm.read.private': { [bob.userId]: { ts: expect.any(Number) } } },
    });
    await read(bob, eventId);
    expect(await next(ofAlice, 'm.receipt')).toEqual({
      type: 'm.receipt',
      content: { [eventId]: { 'm.read': { [bob.userId]: { ts: expect.any(Number) } } } },
    });
  });

  test('go forward only', async () => {
    const [older, newer] = [await alice.send(roomId, 'one'), await alice.send(roomId, 'two')];
    const follower = await alice.follow();
    await read(bob, newer);
    expect(Object.keys((await next(follower, 'm.receipt'))?.content ?? {})).toEqual([newer]);
    expect(outcome(await read(bob, older))).toBe('200');
    const all = ephemeral(await alice.sync(), 'm.receipt')?.content ?? {};
    expect(Object.keys(all)).toContain(newer);
    expect((all[older] as Record<string, object> | undefined)?.['m.read']).toBeUndefined();
  });

  test('are kept for each thread; at one event the unthreaded one counts', async () => {
    const root = await alice.send(roomId, 'root');
    const relation = { rel_type: 'm.thread', event_id: root };
    const inThread = await alice.sendEvent(roomId, 'm.room.message', {
      msgtype: 'm.text',
      body: 'in thread',
      'm.relates_to': relation,
    });
    const reaction = await alice.sendEvent(roomId, 'm.reaction', {
      'm.relates_to': { rel_type: 'm.annotation', event_id: inThread, key: 'x' },
    });
    const follower = await alice.follow();
    await read(bob, inThread, 'm.read', { thread_id: root });
    expect((await next(follower, 'm.receipt'))?.content[inThread]).toEqual({
      'm.read': { [bob.userId]: { ts: expect.any(Number), thread_id: root } },
    });
    expect(outcome(await read(bob, reaction, 'm.read', { thread_id: root }))).toBe('200');
    await read(bob, reaction);
    const { content } = ephemeral(await alice.sync(), 'm.receipt') ?? {};
    expect(content?.[reaction]).toEqual({ 'm.read': { [bob.userId]: { ts: expect.any(Number) } } });
    expect(outcome(await read(bob, inThread, 'm.read', { thread_id: 'main' }))).toBe('400 M_INVALID_PARAM');
    expect(outcome(await read(bob, root, 'm.read', { thread_id: 'main' }))).toBe('200');
  });

  test('are refused for what is not there', async () => {
    const eventId = await alice.send(roomId, 'here');
    const carol = (await newUsers('carol'))[0] as TestUser;
    expect(outcome(await read(carol, eventId))).toBe('403 M_FORBIDDEN');
    expect(outcome(await read(bob, '$unknown'))).toBe('404 M_NOT_FOUND');
    expect(outcome(await read(bob, eventId, 'm.seen'))).toMatch(/^400 M_/);
    for (const thread_id of ['', 1, 'elsewhere']) {
      expect(outcome(await read(bob, eventId, 'm.read', { thread_id }))).toBe('400 M_INVALID_PARAM');
    }
    expect(outcome(await read(bob, eventId, 'm.fully_read', { thread_id: 'main' }))).toBe(
      '400 M_INVALID_PARAM',
    );
    const elsewhere = await bob.send(await bob.createRoom(), 'elsewhere');
    expect(outcome(await read(bob, elsewhere))).toBe('404 M_NOT_FOUND');
  });
});

test('read markers set the fully-read marker, forward only, and receipts with it', async () => {
  await roomOfBoth();
  const [older, newer] = [await alice.send(roomId, 'one'), await alice.send(roomId, 'two')];
  const follower = await bob.follow();
  const markers = path`/v3/rooms/${roomId}/read_markers`;
  await bob.expect('POST', markers, { 'm.fully_read': newer, 'm.read': newer, 'm.read.private': newer });
  const isMarked = ({ rooms }: SyncAnswer) =>
    rooms?.join?.[roomId]?.account_data?.events.some(({ type }) => type === 'm.fully_read') === true;
  await follower.until('the marker', isMarked);
  const marker = path`/v3/user/${bob.userId}/rooms/${roomId}/account_data/m.fully_read`;
  expect(await bob.expect('GET', marker)).toEqual({ event_id: newer });
  await read(bob, older, 'm.fully_read');
  expect(await bob.expect('GET', marker)).toEqual({ event_id: newer });
  const told = ephemeral(await bob.sync(), 'm.receipt')?.content[newer];
  expect(Object.keys(told ?? {}).sort()).toEqual(['m.read', 'm.read.private']);
  expect(outcome(await bob.request('POST', markers, { 'm.fully_read': '$unknown' }))).toBe('404 M_NOT_FOUND');
});
