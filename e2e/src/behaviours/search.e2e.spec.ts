import { beforeAll, describe, expect, test } from '@jest/globals';
import { path, query, type TestUser, uniqueName } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { newUsers, outcome } from '../users.js';

sharedCluster();
let alice: TestUser;
let bob: TestUser;
let eve: TestUser;
beforeAll(async () => {
  [alice, bob, eve] = (await newUsers('alice', 'bob', 'eve')) as [TestUser, TestUser, TestUser];
});

interface Found {
  count: number;
  results: {
    rank: number;
    result: { event_id: string };
    context?: {
      start: string;
      end: string;
      events_before: { event_id: string }[];
      events_after: { event_id: string }[];
    };
  }[];
  next_batch?: string;
  groups?: Record<string, Record<string, { results: string[]; next_batch?: string }>>;
}

async function search(user: TestUser, room_events: object, next_batch?: string): Promise<Found> {
  const body = { search_categories: { room_events } };
  const answer = await user.expect('POST', `/v3/search${query({ next_batch })}`, body);
  return (answer['search_categories'] as { room_events: Found }).room_events;
}
const found = ({ results }: Found) => results.map(({ result }) => result.event_id);

describe('search (behaviour 36)', () => {
  let room: string;
  let sent: string[];
  beforeAll(async () => {
    room = await alice.createRoom({ preset: 'public_chat', name: 'Aviary', topic: 'Birds of the north' });
    sent = [];
    for (let n = 0; n < 20; n++) sent.push(await alice.send(room, `Message number ${n}`));
  });

  test('finds by body, name and topic what was sent just before', async () => {
    const inRoom = { filter: { rooms: [room] } };
    const one = await search(alice, { search_term: 'number 7', ...inRoom });
    expect([one.count, found(one)]).toEqual([1, [sent[7]]]);
    expect(typeof one.results[0]?.rank).toBe('number');
    expect((await search(alice, { search_term: 'aviary', keys: ['content.name'], ...inRoom })).count).toBe(1);
    expect((await search(alice, { search_term: 'NORTH', keys: ['content.topic'], ...inRoom })).count).toBe(1);
    expect((await search(alice, { search_term: 'aviary', keys: ['content.body'], ...inRoom })).count).toBe(0);
  });

  test('gives what stands before and after', async () => {
    const event_context = { before_limit: 2, after_limit: 2, include_profile: true };
    const filter = { limit: 1, rooms: [room] };
    const one = await search(alice, { search_term: 'number 7', order_by: 'recent', filter, event_context });
    const context = one.results[0]?.context;
    expect(context?.events_before.map(({ event_id }) => event_id)).toEqual([sent[6], sent[5]]);
    expect(context?.events_after.map(({ event_id }) => event_id)).toEqual([sent[8], sent[9]]);
    expect([context?.start, context?.end]).toEqual([expect.any(String), expect.any(String)]);
  });

  test.each(['recent', 'rank'])(
    'goes on in pages by %s until an empty one, which counts the same',
    async (order_by) => {
      const criteria = { search_term: 'message', order_by, filter: { limit: 10, rooms: [room] } };
      const newest = [...sent].reverse();
      const first = await search(alice, criteria);
      expect([first.count, found(first)]).toEqual([20, newest.slice(0, 10)]);
      const second = await search(alice, criteria, first.next_batch);
      expect([second.count, found(second)]).toEqual([20, newest.slice(10)]);
      const third = await search(alice, criteria, second.next_batch);
      expect([third.count, found(third), third.next_batch]).toEqual([20, [], undefined]);
    },
  );

  test('goes on in groups of rooms and of senders', async () => {
    const other = await alice.createRoom();
    const word = uniqueName('group');
    const [a, b, c] = [
      await alice.send(room, word),
      await alice.send(other, word),
      await alice.send(other, word),
    ];
    const groupings = { group_by: [{ key: 'room_id' }, { key: 'sender' }] };
    const criteria = { search_term: word, order_by: 'recent', filter: { limit: 2 }, groupings };
    const { groups } = await search(alice, criteria);
    expect(groups?.['sender']?.[alice.userId]?.results).toEqual([c, b]);
    expect(Object.keys(groups?.['room_id'] ?? {})).toEqual([other]);
    const next = await search(alice, criteria, groups?.['sender']?.[alice.userId]?.next_batch);
    expect(found(next)).toEqual([a]);
    const ofRoom = await search(alice, criteria, groups?.['room_id']?.[other]?.next_batch);
    expect(found(ofRoom)).toEqual([]);
  });

  test('never finds what was redacted', async () => {
    const word = uniqueName('redacted');
    const [kept, gone] = [await alice.send(room, word), await alice.send(room, word)];
    await alice.redact(room, gone);
    const left = await search(alice, { search_term: word });
    expect([left.count, found(left)]).toEqual([1, [kept]]);
  });

  test('reaches back behind an upgrade', async () => {
    const word = uniqueName('upgrade');
    const old = await alice.createRoom({ room_version: '10', preset: 'public_chat' });
    const before = await alice.send(old, `${word} before`);
    const upgraded = await alice.expect('POST', path`/v3/rooms/${old}/upgrade`, { new_version: '11' });
    const replacement = String(upgraded['replacement_room']);
    const after = await alice.send(replacement, `${word} after`);
    const both = await search(alice, {
      search_term: word,
      order_by: 'recent',
      filter: { rooms: [replacement] },
    });
    expect([both.count, found(both)]).toEqual([2, [after, before]]);
  });

  test('shows nobody what they may not see', async () => {
    const word = uniqueName('secret');
    const closed = await alice.createRoom({
      initial_state: [
        { type: 'm.room.history_visibility', state_key: '', content: { history_visibility: 'joined' } },
      ],
    });
    await alice.send(closed, `${word} before`);
    await alice.invite(closed, bob.userId);
    expect((await search(bob, { search_term: word })).count).toBe(0);
    await bob.join(closed);
    const during = await alice.send(closed, `${word} during`);
    await bob.leave(closed);
    await alice.send(closed, `${word} after`);
    const seen = await search(bob, { search_term: word });
    expect([seen.count, found(seen)]).toEqual([1, [during]]);
    expect((await search(eve, { search_term: word })).count).toBe(0);
    await bob.forget(closed);
    expect((await search(bob, { search_term: word })).count).toBe(0);
  });

  test('refuses what is no search', async () => {
    const ask = (body: unknown, next_batch?: string) =>
      alice.request('POST', `/v3/search${query({ next_batch })}`, body);
    expect(outcome(await ask({ search_categories: { room_events: {} } }))).toBe('400 M_BAD_JSON');
    const body = { search_categories: { room_events: { search_term: 'x' } } };
    expect(outcome(await ask(body, 'foreign'))).toBe('400 M_INVALID_PARAM');
  });
});

describe('the user directory (behaviour 36)', () => {
  const find = async (user: TestUser, search_term: string) =>
    (await user.expect('POST', '/v3/user_directory/search', { search_term }))['results'];

  test('finds users by id and global name, never by what they are called in a room', async () => {
    const [publicName, privateName] = [uniqueName('Public'), uniqueName('Private')];
    const target = { user_id: alice.userId, display_name: publicName };
    await alice.expect('PUT', path`/v3/profile/${alice.userId}/displayname`, { displayname: publicName });
    const closed = await alice.createRoom({ preset: 'private_chat', invite: [bob.userId] });
    await bob.join(closed);
    await alice.setState(
      closed,
      'm.room.member',
      { membership: 'join', displayname: privateName },
      alice.userId,
    );
    // She is in public rooms, too: everybody may find her.
    for (const user of [bob, eve]) {
      expect(await find(user, publicName)).toEqual([target]);
      expect(await find(user, publicName.toUpperCase().slice(0, -1))).toContainEqual(target);
      expect(await find(user, alice.userId)).toEqual([target]);
      expect(await find(user, privateName)).toEqual([]);
    }
  });

  test('hides who shares no room and is in no open one', async () => {
    const [hidden] = (await newUsers('hidden')) as [TestUser];
    const closed = await hidden.createRoom({ preset: 'private_chat' });
    expect(await find(bob, hidden.userId)).toEqual([]);
    await hidden.invite(closed, bob.userId);
    expect(await find(bob, hidden.userId)).toEqual([]);
    await bob.join(closed);
    expect(await find(bob, hidden.userId)).toMatchObject([{ user_id: hidden.userId }]);
    expect(await find(eve, hidden.userId)).toEqual([]);
    await hidden.setState(closed, 'm.room.join_rules', { join_rule: 'public' });
    expect(await find(eve, hidden.userId)).toMatchObject([{ user_id: hidden.userId }]);
  });
});
