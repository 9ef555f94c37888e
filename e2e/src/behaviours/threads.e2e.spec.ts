import { beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { type ClientEvent, path, query, type TestUser } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { SlidingClient } from '../sliding-client.js';
import { ids, newUsers, outcome } from '../users.js';
import { bundleIn, ignore, type Parameters, RelatingRoom } from './relating-room.js';

let alice: TestUser;
let bob: TestUser;
let carol: TestUser;
beforeAll(async () => {
  [alice, bob, carol] = (await newUsers('alice', 'bob', 'carol')) as [TestUser, TestUser, TestUser];
});

let room: RelatingRoom;
beforeEach(async () => {
  room = new RelatingRoom(await alice.createRoom({ preset: 'public_chat' }));
  await bob.join(room.id);
});

describe('a thread (behaviours 33 and 34)', () => {
  let root: string;
  beforeEach(async () => {
    root = await alice.send(room.id, 'root');
  });

  test('is bundled with its root: count, latest event with its edit, and whether one takes part', async () => {
    await carol.join(room.id);
    await room.reply(bob, root, 'first');
    const latest = await room.reply(bob, root, 'second');
    const changed = await room.edit(bob, latest, 'better');
    const reference = await room.relate(alice, latest, 'm.reference');
    const thread = (await room.bundleOf(bob, root))?.['m.thread'];
    expect(thread).toMatchObject({ count: 2, current_user_participated: true });
    expect(thread?.latest_event).toMatchObject({ event_id: latest, content: { body: 'second' } });
    expect(bundleIn(thread?.latest_event)).toMatchObject({
      'm.replace': { event_id: changed },
      'm.reference': { chunk: [{ event_id: reference }] },
    });
    expect((await room.bundleOf(alice, root))?.['m.thread']?.current_user_participated).toBe(true);
    expect((await room.bundleOf(carol, root))?.['m.thread']?.current_user_participated).toBe(false);
  });

  test('is without redacted replies', async () => {
    const [first, second] = [await room.reply(bob, root), await room.reply(bob, root)];
    await bob.redact(room.id, second);
    expect((await room.bundleOf(alice, root))?.['m.thread']).toMatchObject({
      count: 1,
      latest_event: { event_id: first },
    });
    await bob.redact(room.id, first);
    expect(await room.bundleOf(alice, root)).toBeUndefined();
    expect((await room.threads(alice)).chunk).toEqual([]);
  });

  test('is without replies of ignored users, and shows a root of theirs redacted', async () => {
    const [dave] = (await newUsers('dave')) as [TestUser];
    await dave.join(room.id);
    await room.reply(bob, root);
    const own = await room.reply(dave, root);
    await room.reply(bob, root);
    const ofBob = await bob.send(room.id, 'secret');
    await room.reply(alice, ofBob);
    await ignore(dave, bob);
    expect((await room.bundleOf(dave, root))?.['m.thread']).toMatchObject({
      count: 1,
      latest_event: { event_id: own },
    });
    const listed = (await room.threads(dave)).chunk;
    expect(ids(listed)).toEqual([ofBob, root]);
    expect(listed?.[0]?.content).toEqual({});
    expect(bundleIn(listed?.[0])?.['m.thread']).toMatchObject({ count: 1 });
  });

  test('does not start from what relates to another event', async () => {
    const answer = await room.reply(bob, root);
    const content = {
      body: 'x',
      msgtype: 'm.text',
      'm.relates_to': { rel_type: 'm.thread', event_id: answer },
    };
    const refused = await bob.request('PUT', path`/v3/rooms/${room.id}/send/m.room.message/nested`, content);
    expect(outcome(refused)).toBe('400 M_UNKNOWN');
    const rich = await bob.sendEvent(room.id, 'm.room.message', {
      body: 'rich reply',
      msgtype: 'm.text',
      'm.relates_to': { 'm.in_reply_to': { event_id: root } },
    });
    await room.reply(alice, rich);
    expect((await room.bundleOf(bob, rich))?.['m.thread']?.count).toBe(1);
  });

  test('is listed by its latest reply', async () => {
    const other = await bob.send(room.id, 'other');
    await room.reply(bob, root);
    await room.reply(bob, other);
    expect(ids((await room.threads(alice)).chunk)).toEqual([other, root]);
    const latest = await room.reply(bob, root);
    const listed = await room.threads(alice);
    expect(ids(listed.chunk)).toEqual([root, other]);
    expect(listed).not.toHaveProperty('next_batch');
    expect(bundleIn(listed.chunk?.[0])?.['m.thread']).toMatchObject({
      count: 2,
      latest_event: { event_id: latest },
    });
    await bob.redact(room.id, latest);
    expect(ids((await room.threads(alice)).chunk)).toEqual([other, root]);
  });

  test('is listed where one takes part', async () => {
    const other = await bob.send(room.id, 'other');
    await room.reply(bob, root);
    await room.reply(bob, other);
    expect(ids((await room.threads(alice, { include: 'participated' })).chunk)).toEqual([root]);
    await room.reply(alice, other);
    expect(ids((await room.threads(alice, { include: 'participated' })).chunk)).toEqual([other, root]);
    expect(ids((await room.threads(bob, { include: 'participated' })).chunk)).toEqual([other, root]);
  });

  test('is listed in pages', async () => {
    const roots = [root];
    for (let n = 0; n < 4; n += 1) roots.push(await alice.send(room.id, `root ${n}`));
    for (const one of roots) await room.reply(bob, one);
    const pages: string[][] = [];
    let from: string | undefined;
    do {
      const page = await room.threads(alice, { limit: 2, from });
      pages.push(ids(page.chunk));
      from = page['next_batch'] as string | undefined;
    } while (from !== undefined);
    expect(pages.flat()).toEqual(roots.toReversed());
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
  });

  test.each<[string, Parameters]>([
    ['from', { from: 'nonsense' }],
    ['include', { include: 'some' }],
    ['limit', { limit: 0 }],
  ])('wants a valid %s in its list', async (_name, parameters) => {
    const answer = await alice.request('GET', path`/v1/rooms/${room.id}/threads` + query(parameters));
    expect(outcome(answer)).toBe('400 M_INVALID_PARAM');
  });

  test('of a room that does not exist is forbidden', async () => {
    const unknown = `!unknown:${sharedCluster().serverName}`;
    const answer = await alice.request('GET', path`/v1/rooms/${unknown}/threads`);
    expect(outcome(answer)).toBe('403 M_FORBIDDEN');
  });
});

describe('where children are bundled', () => {
  test('in pages of messages and around an event', async () => {
    const root = await alice.send(room.id, 'root');
    const latest = await room.reply(bob, root);
    await room.edit(alice, root, 'edited');
    const inHistory = (await alice.history(room.id)).find((event) => event.event_id === root);
    expect(Object.keys(bundleIn(inHistory) ?? {}).sort()).toEqual(['m.replace', 'm.thread']);
    const context = await alice.expect('GET', path`/v3/rooms/${room.id}/context/${latest}`);
    const before = context['events_before'] as ClientEvent[];
    expect(bundleIn(before.find((event) => event.event_id === root))?.['m.thread']?.count).toBe(1);
  });

  test('in a sync that leaves something out, up to where it tells', async () => {
    const root = await alice.send(room.id, 'root');
    const latest = await room.reply(bob, root);
    const filter = JSON.stringify({ room: { timeline: { limit: 2 } } });
    const answer = await alice.sync({ filter });
    const timeline = answer.rooms?.join?.[room.id]?.timeline;
    expect(timeline?.limited).toBe(true);
    expect(timeline?.events.map((event) => event.event_id)).toEqual([root, latest]);
    const thread = bundleIn(timeline?.events[0])?.['m.thread'];
    expect(thread).toMatchObject({ count: 1, latest_event: { event_id: latest } });
    expect(thread?.latest_event).not.toHaveProperty('room_id');
    // Without a gap the client gets the children themselves.
    const next = await alice.send(room.id, 'next');
    await room.reply(bob, next);
    const more = (await alice.sync({ filter, since: answer.next_batch })).rooms?.join?.[room.id]?.timeline;
    expect(more?.limited).toBe(false);
    expect(more?.events[0]?.unsigned).not.toHaveProperty('m.relations');
  });

  test('not with state events', async () => {
    const name = await alice.setState(room.id, 'm.room.name', { name: 'a room' });
    const answer = await room.reply(bob, name);
    expect(await room.bundleOf(alice, name)).toBeUndefined();
    expect(ids((await room.relations(alice, name)).chunk)).toEqual([answer]);
    expect(ids((await room.threads(alice)).chunk)).toEqual([name]);
  });
});

test('whoever subscribes to a thread has other devices hear of it, through any process', async () => {
  const root = await alice.send(room.id, 'root');
  const mention = await room.reply(alice, root, 'bob?');
  const extension = 'io.element.msc4308.thread_subscriptions';
  const asked = { extensions: { [extension]: { enabled: true } } };
  const [one, two] = sharedCluster().clientApis.map((url) => bob.through(url)) as [TestUser, TestUser];
  const client = new SlidingClient(bob, 'threads');
  await client.next(asked, one);
  const waiting = client.next({ ...asked, timeout: 30_000 }, one);
  const subscription = path`/unstable/io.element.msc4306/rooms/${room.id}/thread/${root}/subscription`;
  expect(outcome(await two.request('PUT', subscription, { automatic: mention }))).toBe('200');
  const told = { [room.id]: { [root]: { automatic: true, bump_stamp: expect.any(Number) } } };
  expect((await waiting).extensions[extension]).toEqual({ subscribed: told });
  expect(outcome(await one.request('DELETE', subscription))).toBe('200');
  expect(outcome(await two.request('PUT', subscription, { automatic: mention }))).toBe(
    '409 IO.ELEMENT.MSC4306.M_CONFLICTING_UNSUBSCRIPTION',
  );
});
