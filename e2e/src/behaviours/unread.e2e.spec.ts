import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { path, type SyncRoom, type TestUser } from '@atoll/testing';
import { newUsers } from '../users.js';
import { RelatingRoom } from './relating-room.js';

const unstable = '/unstable/org.matrix.simplified_msc3575/sync';

let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
});

let room: RelatingRoom;
beforeEach(async () => {
  room = new RelatingRoom(await alice.createRoom({ preset: 'public_chat' }));
  await bob.join(room.id);
});

const mention = (user: TestUser, content: object = {}) =>
  alice.sendEvent(room.id, 'm.room.message', {
    msgtype: 'm.text',
    body: 'you',
    'm.mentions': { user_ids: [user.userId] },
    ...content,
  });
const read = (user: TestUser, eventId: string, receiptType: string, body: object = {}) =>
  user.expect('POST', path`/v3/rooms/${room.id}/receipt/${receiptType}/${eventId}`, body);

/** What a first sync tells: total, or the main timeline with the threads. */
async function unread(user: TestUser, filter: object = {}): Promise<Partial<SyncRoom>> {
  const { rooms } = await user.sync({ filter: JSON.stringify(filter) });
  const { unread_notifications, unread_thread_notifications } = rooms?.join?.[room.id] ?? {};
  return {
    ...(unread_notifications && { unread_notifications }),
    ...(unread_thread_notifications && { unread_thread_notifications }),
  };
}
const counts = (notification_count: number, highlight_count = 0) => ({ notification_count, highlight_count });
const total = (notify: number, highlight = 0) => ({ unread_notifications: counts(notify, highlight) });
const byThread = { room: { timeline: { unread_thread_notifications: true } } };

describe('unread counts', () => {
  test('come with the event that changes them, and with what is read, private or not', async () => {
    const follower = await bob.follow();
    const told = async (eventId: string) => {
      await follower.untilEvent(room.id, eventId);
      return follower.answers.at(-1)?.rooms?.join?.[room.id]?.unread_notifications;
    };
    expect(await told(await alice.send(room.id, 'one'))).toEqual(counts(1));
    const second = await mention(bob);
    expect(await told(second)).toEqual(counts(2, 1));
    await read(bob, second, 'm.read.private');
    const after = await follower.until('a count', ({ rooms }) => rooms?.join?.[room.id] !== undefined);
    expect(after.rooms?.join?.[room.id]?.unread_notifications).toEqual(counts(0));
    await alice.send(room.id, 'three');
    // Behind the private one.
    await read(bob, second, 'm.read');
    expect(await unread(bob)).toEqual(total(1));
    expect(await unread(alice)).toEqual(total(0));
  });

  test('end with what one sends, and with leaving', async () => {
    await alice.send(room.id, 'one');
    expect(await unread(bob)).toEqual(total(1));
    await bob.send(room.id, 'here');
    expect(await unread(bob)).toEqual(total(0));
    await alice.send(room.id, 'two');
    await bob.expect('POST', path`/v3/rooms/${room.id}/leave`);
    await alice.send(room.id, 'three');
    await bob.join(room.id);
    await alice.send(room.id, 'four');
    expect(await unread(bob)).toEqual(total(1));
  });

  test('are told by thread to those who ask for it (behaviour 33)', async () => {
    const root = await alice.send(room.id, 'root');
    await room.reply(alice, root);
    const relation = { 'm.relates_to': { rel_type: 'm.thread', event_id: root } };
    const reply = await mention(bob, relation);
    const reaction = await room.react(alice, reply, 'x');
    expect(await unread(bob)).toEqual(total(3, 1));
    const threads = { [root]: counts(2, 1) };
    expect(await unread(bob, byThread)).toEqual({ ...total(1), unread_thread_notifications: threads });
    await read(bob, reaction, 'm.read', { thread_id: root });
    expect(await unread(bob, byThread)).toEqual(total(1));
    await read(bob, root, 'm.read', { thread_id: 'main' });
    expect(await unread(bob)).toEqual(total(0));
    await room.reply(alice, root);
    const last = await alice.send(room.id, 'last');
    expect(await unread(bob)).toEqual(total(2));
    await read(bob, last, 'm.read');
    expect(await unread(bob, byThread)).toEqual(total(0));
  });

  test('are told to older clients of sliding sync', async () => {
    await alice.send(room.id, 'one');
    await mention(bob);
    const list = { ranges: [[0, 9]], timeline_limit: 1, required_state: [] };
    const { rooms } = await bob.expect('POST', unstable, { lists: { all: list } });
    expect((rooms as Record<string, object>)[room.id]).toMatchObject(counts(2, 1));
  });
});
