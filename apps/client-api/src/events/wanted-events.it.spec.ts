import { pointAt } from '@atoll/database';
import type { PlacedRow, RoomRows } from '@atoll/database/testing';
import type { JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { tokenOf } from '../rooms/access/pagination-token.js';
import { namesOf, startSyncApp, type SyncApp, type SyncUser } from '../sync/sync-app.spec-support.js';

let app: SyncApp;
let alice: SyncUser;
let bob: SyncUser;
let mallory: SyncUser;
let room: RoomRows;

beforeAll(async () => {
  app = await startSyncApp();
  [alice, bob, mallory] = (await Promise.all(
    ['alice', 'bob', 'mallory'].map((name) => app.register(name)),
  )) as [SyncUser, SyncUser, SyncUser];
});
afterAll(() => app.close());

const ignore = (...users: SyncUser[]) =>
  app.request('PUT', `/user/${bob.userId}/account_data/m.ignored_user_list`, {
    token: bob.token,
    body: { ignored_users: Object.fromEntries(users.map(({ userId }) => [userId, {}])) },
  });
const get = async (path: string) => {
  const { status, body } = await app.request('GET', path, { token: bob.token });
  expect(status).toBe(200);
  return body;
};
const inRoom = (rest: string) => get(`/rooms/${encodeURIComponent(room.roomId)}/${rest}`);
const namesIn = (body: JsonObject, key = 'chunk') => namesOf(body[key] as JsonObject[]);
const textOf = (body: JsonObject, key: string) => body[key] as string;

describe('what ignored users say', () => {
  let before: PlacedRow;
  let asked: PlacedRow;

  beforeEach(async () => {
    room = await app.createRoom(alice.userId);
    await room.state('m.room.history_visibility', alice.userId, { history_visibility: 'world_readable' });
    before = await room.message(alice.userId, 'a1');
    for (let i = 0; i < 70; i++) await room.message(mallory.userId, 'noise');
    await room.state('m.room.topic', mallory.userId, { topic: 'told' });
    asked = await room.message(alice.userId, 'a2');
    for (let i = 0; i < 5; i++) await room.message(mallory.userId, 'noise');
    await room.message(alice.userId, 'a3');
    await ignore(mallory);
  });

  it('is in no page of messages, which goes on behind it', async () => {
    const first = await inRoom('messages?dir=b&limit=2');
    expect(namesIn(first)).toEqual(['a3', 'a2']);
    const second = await inRoom(`messages?dir=b&limit=2&from=${textOf(first, 'end')}`);
    expect(namesIn(second)).toEqual(['m.room.topic', 'a1']);
    const forward = await inRoom(`messages?dir=f&limit=3&from=${tokenOf(pointAt(before.position))}`);
    expect(namesIn(forward)).toEqual(['m.room.topic', 'a2', 'a3']);
    await ignore();
    expect(namesIn(await inRoom('messages?dir=b&limit=2'))).toEqual(['a3', 'noise']);
  });

  it('is not around an event, from which pages go on', async () => {
    const around = await inRoom(`context/${encodeURIComponent(asked.eventId)}?limit=4`);
    expect(namesIn(around, 'events_before')).toEqual(['m.room.topic']);
    expect(namesIn(around, 'events_after')).toEqual([]);
    const after = await inRoom(`messages?dir=f&limit=3&from=${textOf(around, 'end')}`);
    expect(namesIn(after)).toEqual(['a3']);
  });

  it('is not told to who looks into the room', async () => {
    const { messages } = await inRoom('initialSync');
    expect(namesIn(messages as JsonObject).slice(-4)).toEqual(['a1', 'm.room.topic', 'a2', 'a3']);
    const peek = (from: string) => get(`/events?room_id=${room.roomId}&timeout=0&from=${from}`);
    const { next_batch } = await app.sync(alice);
    for (let i = 0; i < 3; i++) await room.message(mallory.userId, 'noise');
    const nothing = await peek(next_batch);
    expect(namesIn(nothing)).toEqual([]);
    await room.message(alice.userId, 'a4');
    expect(namesIn(await peek(next_batch))).toEqual(['a4']);
    expect(namesIn(await peek(textOf(nothing, 'end')))).toEqual(['a4']);
    // What was missed and came later is history, and no news.
    const followed = await room.message(alice.userId, 'a5');
    for (let i = 0; i < 3; i++) {
      await room.event({
        ...{ type: 'm.room.message', sender: alice.userId, content: { body: 'missed' } },
        ...{ backfilled: followed, fork: { basePosition: followed.position - 1 } },
      });
    }
    const news = await peek(next_batch);
    expect(namesIn(news)).toEqual(['a4', 'a5']);
    expect(namesIn(await peek(textOf(news, 'end')))).toEqual([]);
  });
});

describe('a filter for what others relate to', () => {
  let root: PlacedRow;
  let liked: PlacedRow;

  const child = (relType: string, parent: PlacedRow, sender: SyncUser) =>
    room.event({
      type: 'm.room.message',
      sender: sender.userId,
      content: { body: 'child', 'm.relates_to': { rel_type: relType, event_id: parent.eventId } },
    });
  const withFilter = (path: string, filter: JsonObject) =>
    inRoom(`${path}&filter=${encodeURIComponent(JSON.stringify(filter))}`);
  const listed = async (filter: JsonObject) => namesIn(await withFilter('messages?dir=b&limit=50', filter));

  beforeEach(async () => {
    await ignore();
    room = await app.createRoom(alice.userId);
    await room.member(bob.userId, 'join');
    root = await room.message(alice.userId, 'root');
    liked = await room.message(alice.userId, 'liked');
    for (let i = 0; i < 60; i++) await room.message(alice.userId, 'plain');
    await child('m.thread', root, mallory);
    await child('m.annotation', liked, alice);
  });

  it('lists those events, by type and by sender', async () => {
    expect(await listed({ related_by_rel_types: ['m.thread'] })).toEqual(['root']);
    expect(await listed({ related_by_senders: [alice.userId] })).toEqual(['liked']);
    const both = { related_by_senders: [mallory.userId], related_by_rel_types: ['m.thread'] };
    expect(await listed(both)).toEqual(['root']);
    expect(await listed({ ...both, not_senders: [alice.userId] })).toEqual([]);
    expect(await listed({ ...both, related_by_senders: [alice.userId] })).toEqual([]);
    const any = { related_by_rel_types: ['m.thread', 'm.annotation'] };
    const page = await withFilter('messages?dir=b&limit=1', any);
    const rest = await withFilter(`messages?dir=b&limit=5&from=${textOf(page, 'end')}`, any);
    expect([namesIn(page), namesIn(rest)]).toEqual([['liked'], ['root']]);
  });

  it('tells nothing of what the user does not hear or see', async () => {
    await ignore(mallory);
    expect(await listed({ related_by_rel_types: ['m.thread'] })).toEqual([]);
    await ignore();
    await room.member(bob.userId, 'leave');
    await child('m.reference', liked, alice);
    expect(await listed({ related_by_rel_types: ['m.reference'] })).toEqual([]);
    expect(await listed({ related_by_rel_types: ['m.annotation'] })).toEqual(['liked']);
  });

  it('holds around an event, and for the timelines of sync', async () => {
    const filter = { related_by_rel_types: ['m.thread'] };
    const around = await withFilter(`context/${encodeURIComponent(liked.eventId)}?limit=10`, filter);
    expect(namesIn(around, 'events_before')).toEqual(['root']);
    expect(namesIn(around, 'events_after')).toEqual([]);
    const { rooms } = await app.sync(bob, { filter: { room: { timeline: filter } } });
    expect(namesOf(rooms?.join?.[room.roomId]?.timeline.events)).toEqual(['root']);
  });

  it.each([
    { related_by_rel_types: ['m.thread\0'] },
    { related_by_rel_types: 'm.thread' },
    { related_by_senders: ['alice'] },
  ])('is refused when it cannot be one: %j', async (filter) => {
    const path = `/rooms/${encodeURIComponent(room.roomId)}/messages?dir=b&filter=`;
    const answer = await app.request('GET', path + encodeURIComponent(JSON.stringify(filter)), {
      token: bob.token,
    });
    expect(answer.status).toBe(400);
  });
});
