import { beforeAll, describe, expect, test } from '@jest/globals';
import { path, query, type SyncAnswer, type TestUser } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { ids, newUser, newUsers, texts, types } from '../users.js';
import { ignore } from './relating-room.js';

let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
});

const publicRoom = async (options: Record<string, unknown> = {}) =>
  alice.createRoom({ preset: 'public_chat', ...options });
const timeline = (answer: SyncAnswer, roomId: string) => answer.rooms?.join?.[roomId]?.timeline.events;

describe('which rooms (behaviour 22)', () => {
  test('unchanged rooms are absent, left rooms come once', async () => {
    const [quiet, left] = [await publicRoom(), await publicRoom()];
    for (const roomId of [quiet, left]) await bob.join(roomId);
    const follower = await bob.follow();
    await alice.setState(left, 'm.room.topic', { topic: 'in the timeline' });
    await bob.leave(left);
    const news = await follower.next();
    expect(news.rooms?.join?.[quiet]).toBeUndefined();
    const departure = news.rooms?.leave?.[left];
    expect(departure?.timeline.events.at(-1)?.content['membership']).toBe('leave');
    expect(types(departure?.timeline.events)).toEqual(['m.room.topic', 'm.room.member']);
    expect(departure?.state?.events).toEqual([]);
    await alice.send(left, 'unheard');
    expect((await follower.next()).rooms?.leave?.[left]).toBeUndefined();
  });

  test('join, leave and join again between two tokens is a join only', async () => {
    const roomId = await publicRoom();
    const follower = await bob.follow();
    await bob.join(roomId);
    await bob.leave(roomId);
    await bob.join(roomId);
    const { rooms } = await follower.next();
    expect(rooms?.join?.[roomId]).toBeDefined();
    expect(rooms?.leave?.[roomId]).toBeUndefined();
  });

  test('include_leave shows archived rooms as they were left, state apart from timeline', async () => {
    const roomId = await publicRoom({ name: 'archive' });
    await bob.join(roomId);
    await alice.send(roomId, 'heard');
    await bob.leave(roomId);
    await alice.send(roomId, 'unheard');
    const filter = JSON.stringify({ room: { include_leave: true, timeline: { limit: 3 } } });
    const room = (await bob.sync({ filter })).rooms?.leave?.[roomId];
    expect(texts(room?.timeline.events)).toEqual(['heard']);
    expect(room?.timeline.events.at(-1)).toMatchObject({
      state_key: bob.userId,
      content: { membership: 'leave' },
    });
    const shared = ids(room?.state?.events).filter((id) => ids(room?.timeline.events).includes(id));
    expect(shared).toEqual([]);
    expect((await bob.sync()).rooms?.leave?.[roomId]).toBeUndefined();
  });
});

describe('leaving (behaviour 23)', () => {
  test('the own leave is visible whatever the history visibility', async () => {
    const roomId = await publicRoom({
      initial_state: [
        { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } },
      ],
    });
    await bob.join(roomId);
    const follower = await bob.follow();
    await bob.leave(roomId);
    const room = (await follower.next()).rooms?.leave?.[roomId];
    expect(room?.timeline.events.map((event) => event.content['membership'])).toEqual(['leave']);
  });

  test('a rejected invite leaves', async () => {
    const roomId = await alice.createRoom({ invite: [bob.userId] });
    const follower = await bob.follow();
    await bob.leave(roomId);
    expect((await follower.next()).rooms?.leave?.[roomId]).toBeDefined();
  });
});

describe('timelines (behaviours 22, 24, 26)', () => {
  test('a gap is limited, its state comes, and prev_batch closes it', async () => {
    const roomId = await publicRoom();
    await bob.join(roomId);
    const follower = await bob.follow();
    await alice.setState(roomId, 'm.room.topic', { topic: 'in the gap' });
    const sent: string[] = [];
    for (let n = 0; n < 15; n += 1) sent.push(await alice.send(roomId, `gap ${n}`));
    const filter = JSON.stringify({ room: { timeline: { limit: 5 } } });
    const room = (await bob.sync({ since: follower.since, filter })).rooms?.join?.[roomId];
    expect(room?.timeline.limited).toBe(true);
    expect(ids(room?.timeline.events)).toEqual(sent.slice(-5));
    expect(types(room?.state?.events)).toEqual(['m.room.topic']);
    const page = await bob.expect(
      'GET',
      path`/v3/rooms/${roomId}/messages` +
        query({ dir: 'b', from: room?.timeline.prev_batch, to: follower.since, limit: 50 }),
    );
    expect(texts(page.chunk)).toEqual(Array.from({ length: 10 }, (_, n) => `gap ${9 - n}`));
  });

  test('a full timeline is not limited, and state in it is not repeated', async () => {
    const roomId = await publicRoom();
    await bob.join(roomId);
    const follower = await bob.follow();
    const topic = await alice.setState(roomId, 'm.room.topic', { topic: 'news' });
    const room = (await follower.next()).rooms?.join?.[roomId];
    expect(room?.timeline.limited).toBe(false);
    expect(ids(room?.timeline.events)).toEqual([topic]);
    expect(room?.state?.events ?? []).toEqual([]);
  });

  test('state whose timeline event was filtered out comes in state', async () => {
    const roomId = await publicRoom();
    await bob.join(roomId);
    const { next_batch: since } = await bob.sync();
    const topic = await alice.setState(roomId, 'm.room.topic', { topic: 'filtered' });
    await alice.send(roomId, 'heard');
    const filter = JSON.stringify({ room: { timeline: { types: ['m.room.message'] } } });
    const room = (await bob.sync({ since, filter })).rooms?.join?.[roomId];
    expect(texts(room?.timeline.events)).toEqual(['heard']);
    expect(ids(room?.state?.events)).toEqual([topic]);
  });

  test.each([
    [2, true],
    [10, false],
  ])('a room joined since the token comes whole, with a limit of %i', async (limit, limited) => {
    const roomId = await publicRoom({ name: 'new to bob' });
    for (let n = 0; n < 4; n += 1) await alice.send(roomId, `line ${n}`);
    const { next_batch: since } = await bob.sync();
    await bob.join(roomId);
    const filter = JSON.stringify({ room: { timeline: { types: ['m.room.message'], limit } } });
    const room = (await bob.sync({ since, filter })).rooms?.join?.[roomId];
    expect(types(room?.state?.events)).toEqual(
      expect.arrayContaining(['m.room.create', 'm.room.member', 'm.room.power_levels', 'm.room.name']),
    );
    expect(room?.timeline.limited).toBe(limited);
    expect(room?.timeline.events).toHaveLength(Math.min(limit, 4));
  });

  test('full_state gives everything again', async () => {
    const roomId = await publicRoom({ name: 'whole' });
    await bob.join(roomId);
    const { next_batch: since } = await bob.sync();
    const room = (await bob.sync({ since, full_state: true })).rooms?.join?.[roomId];
    expect(types(room?.state?.events)).toEqual(
      expect.arrayContaining(['m.room.create', 'm.room.name', 'm.room.power_levels']),
    );
    expect(room?.timeline.events).toEqual([]);
  });

  test('state_after replaces state where it is asked for (behaviour 29)', async () => {
    const roomId = await publicRoom({ name: 'first' });
    await bob.join(roomId);
    const { next_batch: since } = await bob.sync();
    const renamed = await alice.setState(roomId, 'm.room.name', { name: 'second' });
    const room = (await bob.sync({ since, use_state_after: true })).rooms?.join?.[roomId];
    expect(room?.state).toBeUndefined();
    expect(ids(room?.state_after?.events)).toEqual([renamed]);
    expect(ids(room?.timeline.events)).toEqual([renamed]);
  });

  test.each([true, false])(
    'lazy state_after has everybody who is in the timeline (first sync: %s; behaviour 29)',
    async (isFirst) => {
      const roomId = await publicRoom({ name: 'lazy' });
      const others = await newUsers('one', 'two', 'silent');
      for (const user of [bob, ...others]) await user.join(roomId);
      const carol = await newUser('carol');
      await carol.join(roomId);
      const state = { lazy_load_members: true };
      const filter = JSON.stringify({ room: { timeline: { limit: 4 }, state } });
      // The client knows nobody yet: a filter let nothing of the room through.
      const nothing = JSON.stringify({ room: { rooms: [] } });
      const since = isFirst ? undefined : (await carol.sync({ filter: nothing })).next_batch;
      const senders = [bob, ...others.slice(0, 2)];
      for (const sender of [...senders, bob]) await sender.send(roomId, 'here');
      const room = (await carol.sync({ filter, since, use_state_after: true })).rooms?.join?.[roomId];
      expect(texts(room?.timeline.events)).toHaveLength(4);
      const members = (room?.state_after?.events ?? []).filter(({ type }) => type === 'm.room.member');
      const expected = [...senders, ...(isFirst ? [carol] : [])].map(({ userId }) => userId);
      expect(members.map(({ state_key }) => state_key).sort()).toEqual(expected.sort());
    },
  );
});

describe('ignored users (behaviour 32)', () => {
  const invites = async (user: TestUser, since?: string) =>
    Object.keys((await user.sync({ since })).rooms?.invite ?? {});

  test('invite without a sync that tells it, until they are ignored no longer', async () => {
    const [carol, mallory] = (await newUsers('carol', 'mallory')) as [TestUser, TestUser];
    const before = await mallory.createRoom({ invite: [carol.userId] });
    expect(await invites(carol)).toEqual([before]);
    await ignore(carol, mallory);
    const { next_batch: since } = await carol.sync();
    const ignored = await mallory.createRoom({ invite: [carol.userId] });
    const wanted = await alice.createRoom({ invite: [carol.userId] });
    expect(await invites(carol, since)).toEqual([wanted]);
    expect(await invites(carol)).toEqual([wanted]);
    await ignore(carol);
    expect((await invites(carol)).sort()).toEqual([before, ignored, wanted].sort());
  });

  test('are not heard in timelines', async () => {
    const [carol, mallory] = (await newUsers('carol', 'mallory')) as [TestUser, TestUser];
    const roomId = await publicRoom();
    for (const user of [carol, mallory]) await user.join(roomId);
    await ignore(carol, mallory);
    const follower = await carol.follow();
    await mallory.send(roomId, 'unheard');
    const topic = await alice.send(roomId, 'heard');
    await follower.untilEvent(roomId, topic);
    expect(follower.answers.flatMap((answer) => texts(timeline(answer, roomId)))).toEqual(['heard']);
  });
});

test('push rules are the same in every read, in every instance, with and without the slash (behaviours 32, 56)', async () => {
  const read = async (url: string, target: string) => (await alice.through(url).request('GET', target)).text;
  const first = await read(sharedCluster().clientUrl, '/v3/pushrules');
  for (const url of sharedCluster().clientApis) {
    for (const target of ['/v3/pushrules', '/v3/pushrules/']) expect(await read(url, target)).toBe(first);
  }
});

describe('long polls', () => {
  test('wake for an event of a joined room, an invite and account data', async () => {
    const roomId = await publicRoom();
    await bob.join(roomId);
    const follower = await bob.follow();
    const wakes = async (cause: () => Promise<unknown>) => {
      const waiting = follower.next(20_000);
      const began = performance.now();
      await cause();
      const answer = await waiting;
      expect(performance.now() - began).toBeLessThan(5000);
      return answer;
    };
    expect(texts(timeline(await wakes(() => alice.send(roomId, 'wake up')), roomId))).toEqual(['wake up']);
    let invited = '';
    const invite = await wakes(async () => (invited = await alice.createRoom({ invite: [bob.userId] })));
    const state = invite.rooms?.invite?.[invited]?.invite_state.events ?? [];
    expect(types(state)).toEqual(expect.arrayContaining(['m.room.create', 'm.room.member']));
    const data = await wakes(() =>
      bob.expect('PUT', path`/v3/user/${bob.userId}/account_data/org.test`, { a: 1 }),
    );
    expect(data.account_data?.events).toEqual([{ type: 'org.test', content: { a: 1 } }]);
  });

  test('without news end after their time', async () => {
    const carol = await newUser('carol');
    const { next_batch: since } = await carol.sync();
    const began = performance.now();
    const answer = await carol.sync({ since, timeout: 700 });
    expect(performance.now() - began).toBeGreaterThan(650);
    expect(answer.rooms?.join ?? {}).toEqual({});
  });
});

describe('unsigned (behaviour 28)', () => {
  test('tells the reader’s membership at every event, and what a member event replaced', async () => {
    const roomId = await alice.createRoom({ preset: 'private_chat' });
    await alice.expect('POST', path`/v3/rooms/${roomId}/invite`, { user_id: bob.userId });
    await alice.send(roomId, 'between');
    await bob.join(roomId);
    await alice.send(roomId, 'after');
    const events = (await bob.sync()).rooms?.join?.[roomId]?.timeline.events ?? [];
    const of = (text: string) => events.find((event) => event.content['body'] === text);
    expect(of('between')?.unsigned?.membership).toBe('invite');
    expect(of('after')?.unsigned?.membership).toBe('join');
    expect(events.filter((event) => event.unsigned?.membership === undefined)).toEqual([]);
    const join = events.find(
      (event) => event.state_key === bob.userId && event.content['membership'] === 'join',
    );
    expect(join?.unsigned?.prev_content).toMatchObject({ membership: 'invite' });
  });

  test('is_direct of an invite is there after accepting it', async () => {
    const roomId = await alice.createRoom({ is_direct: true, invite: [bob.userId] });
    await bob.join(roomId);
    const events = (await bob.sync()).rooms?.join?.[roomId]?.timeline.events ?? [];
    const join = events.find(
      (event) => event.state_key === bob.userId && event.content['membership'] === 'join',
    );
    expect(join?.unsigned).toMatchObject({
      prev_content: { membership: 'invite', is_direct: true },
      prev_sender: alice.userId,
    });
  });
});

describe('summaries and lazy-loaded members (behaviour 29)', () => {
  test('counts reach the joiner and those who were there', async () => {
    const roomId = await publicRoom();
    const [observer, joiner] = [await alice.follow(), await bob.follow()];
    await bob.join(roomId);
    for (const follower of [observer, joiner]) {
      const summary = (await follower.next()).rooms?.join?.[roomId]?.summary;
      expect(summary).toMatchObject({ 'm.joined_member_count': 2, 'm.invited_member_count': 0 });
    }
    const carol = await newUser('carol');
    await alice.invite(roomId, carol.userId);
    for (const follower of [observer, joiner]) {
      const summary = (await follower.next()).rooms?.join?.[roomId]?.summary;
      expect(summary).toMatchObject({ 'm.joined_member_count': 2, 'm.invited_member_count': 1 });
    }
  });

  test('sync and messages bring just the members who wrote', async () => {
    // Without a name, members that clients name the room after would come too.
    const roomId = await publicRoom({ name: 'lazy' });
    const silent = await newUser('silent');
    for (const user of [bob, silent]) await user.join(roomId);
    const carol = await newUser('carol');
    await carol.join(roomId);
    for (let n = 0; n < 5; n += 1) await bob.send(roomId, `line ${n}`);
    const timelineFilter = { lazy_load_members: true, limit: 3 };
    const filter = JSON.stringify({ room: { timeline: timelineFilter, state: { lazy_load_members: true } } });
    const room = (await carol.sync({ filter })).rooms?.join?.[roomId];
    const members = (events: { type: string; state_key?: string }[] = []) =>
      events.filter((event) => event.type === 'm.room.member').map((event) => event.state_key);
    expect(members(room?.state?.events).sort()).toEqual([bob.userId, carol.userId].sort());
    const page = await carol.expect(
      'GET',
      path`/v3/rooms/${roomId}/messages` +
        query({ dir: 'b', limit: 3, filter: JSON.stringify({ lazy_load_members: true }) }),
    );
    expect(texts(page.chunk)).toEqual(['line 4', 'line 3', 'line 2']);
    expect(members(page.state)).toEqual([bob.userId]);
  });
});

test('a token at a redaction of an unknown event works (behaviour 27)', async () => {
  const roomId = await publicRoom({ room_version: '11' });
  await bob.join(roomId);
  const unknown = `$${'A'.repeat(43)}`;
  const redaction = await alice.request('PUT', path`/v3/rooms/${roomId}/redact/${unknown}/1`, {});
  expect([200, 404]).toContain(redaction.status);
  await alice.sendEvent(roomId, 'm.room.redaction', { redacts: unknown }).catch(() => undefined);
  const follower = await bob.follow();
  const eventId = await alice.send(roomId, 'afterwards');
  expect((await follower.untilEvent(roomId, eventId)).content['body']).toBe('afterwards');
});
