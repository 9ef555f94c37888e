import { beforeAll, describe, expect, test } from '@jest/globals';
import { HttpClient, path, query, type TestUser } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { hierarchyPages, namesIn } from '../space-pages.js';
import { newUsers, outcome } from '../users.js';

const { clientUrl, serverName } = sharedCluster();
let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
});

const newRoom = (name: string, options: Record<string, unknown> = {}) =>
  alice.createRoom({ name, preset: 'public_chat', ...options });
const newSpace = (name: string) => newRoom(name, { creation_content: { type: 'm.space' } });
const link = (space: string, child: string, content: Record<string, unknown> = {}) =>
  alice.setState(space, 'm.space.child', { via: [serverName], ...content }, child);
const restrictedTo = (space: string) => ({
  preset: 'private_chat',
  initial_state: [
    {
      type: 'm.room.join_rules',
      state_key: '',
      content: { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: space }] },
    },
  ],
});

describe('the hierarchy of a space (behaviour 38)', () => {
  let root: string;
  let sub: string;
  let last: string;
  beforeAll(async () => {
    root = await newSpace('root');
    sub = await newSpace('sub');
    last = await newRoom('last');
    await link(root, last);
    await link(root, sub, { order: 'b' });
    await link(root, await newRoom('first'), { order: 'a', suggested: true });
    await link(sub, await newRoom('leaf'));
    await link(sub, await newRoom('members', restrictedTo(root)));
    await link(sub, await newRoom('private', { preset: 'private_chat' }));
    await link(sub, root);
  });

  test('is told depth first, in pages that any instance goes on with', async () => {
    const all = ['root', 'first', 'sub', 'leaf', 'members', 'private', 'last'];
    expect(await namesIn(alice, root)).toEqual(all);
    const pages = await hierarchyPages(alice, root, { limit: 2 });
    expect(pages.map((page) => page.length)).toEqual([2, 2, 2, 1]);
    expect(pages.flat().map(({ name }) => name)).toEqual(all);
    const [space] = pages.flat();
    expect(space?.children_state.map(({ content }) => content['order'])).toEqual(['a', 'b', undefined]);
    expect(space).toMatchObject({ room_id: root, room_type: 'm.space', join_rule: 'public' });
  });

  test('is cut by max_depth and suggested_only, which hold for all pages', async () => {
    expect(await namesIn(alice, root, { max_depth: 1 })).toEqual(['root', 'first', 'sub', 'last']);
    expect(await namesIn(alice, root, { suggested_only: true })).toEqual(['root', 'first']);
    const first = await alice.expect('GET', path`/v1/rooms/${root}/hierarchy` + query({ limit: 2 }));
    const other = query({ from: String(first['next_batch']), max_depth: 1 });
    expect(outcome(await alice.request('GET', path`/v1/rooms/${root}/hierarchy` + other))).toBe(
      '400 M_INVALID_PARAM',
    );
  });

  test('holds what the user may enter', async () => {
    expect(await namesIn(bob, root)).toEqual(['root', 'first', 'sub', 'leaf', 'last']);
    await bob.join(root);
    expect(await namesIn(bob, root)).toEqual(['root', 'first', 'sub', 'leaf', 'members', 'last']);
    const closed = await newRoom('closed', { preset: 'private_chat' });
    expect(outcome(await bob.request('GET', path`/v1/rooms/${closed}/hierarchy`))).toBe('403 M_FORBIDDEN');
  });

  test('has children without an order after the others, the oldest link first', async () => {
    const space = await newSpace('ordered');
    const [one, two, three, four] = [
      await newRoom('linked first'),
      await newRoom('linked second'),
      await newRoom('ordered z'),
      await newRoom('no valid order'),
    ];
    await link(space, four, { order: 'ö' });
    await link(space, one);
    await link(space, two);
    await link(space, three, { order: 'z' });
    expect(await namesIn(alice, space)).toEqual([
      'ordered',
      'ordered z',
      'no valid order',
      'linked first',
      'linked second',
    ]);
    // Linked anew, it is the youngest.
    await link(space, one, { suggested: true });
    expect((await namesIn(alice, space)).slice(-2)).toEqual(['linked second', 'linked first']);
  });

  test('tells allowed rooms of restricted rooms only', async () => {
    const rooms = (await hierarchyPages(alice, root)).flat();
    const telling = rooms.filter((room) => 'allowed_room_ids' in room);
    expect(telling).toMatchObject([{ name: 'members', allowed_room_ids: [root] }]);
  });

  test('does not hold what was unlinked', async () => {
    await alice.setState(root, 'm.space.child', {}, last);
    expect(await namesIn(alice, root, { max_depth: 1 })).toEqual(['root', 'first', 'sub']);
  });
});

describe('the summary of a room', () => {
  const stranger = new HttpClient(clientUrl);
  const summary = (room: string) => path`/v1/room_summary/${room}`;

  test('is for whoever may enter, with the membership; for strangers of what is open', async () => {
    const open = await newRoom('open', { topic: 'for all', room_alias_name: `open-${Date.now()}` });
    expect(await alice.expect('GET', summary(open))).toMatchObject({ name: 'open', membership: 'join' });
    expect(await bob.expect('GET', summary(open))).toMatchObject({ topic: 'for all', membership: 'leave' });
    const seen = await stranger.send('GET', `/_matrix/client${summary(open)}`);
    expect(seen.body).toMatchObject({ room_id: open, num_joined_members: 1 });
    expect(seen.body).not.toHaveProperty('membership');
    expect(seen.body).not.toHaveProperty('allowed_room_ids');
    const alias = String(seen.body['canonical_alias']);
    expect(await bob.expect('GET', summary(alias))).toMatchObject({ room_id: open });
    const forged = await stranger.send('GET', `/_matrix/client${summary(open)}`, { token: 'forged' });
    expect(outcome(forged)).toBe('401 M_UNKNOWN_TOKEN');
  });

  test('names the rooms that let in of a restricted room', async () => {
    const space = await newSpace('club');
    const room = await newRoom('inside', restrictedTo(space));
    expect(outcome(await bob.request('GET', summary(room)))).toBe('404 M_NOT_FOUND');
    await bob.join(space);
    expect(await bob.expect('GET', summary(room))).toMatchObject({
      join_rule: 'restricted',
      allowed_room_ids: [space],
    });
    expect(outcome(await stranger.send('GET', `/_matrix/client${summary(room)}`))).toBe('404 M_NOT_FOUND');
  });
});

describe('the event closest to a time (behaviour 38)', () => {
  const at = (user: TestUser, roomId: string, ts: number, dir: string) =>
    user.request('GET', path`/v1/rooms/${roomId}/timestamp_to_event` + query({ ts, dir }));

  test('is found in either direction, if there is one', async () => {
    const roomId = await newRoom('timed');
    const eventId = await alice.send(roomId, 'hello');
    const event = await alice.expect('GET', path`/v3/rooms/${roomId}/event/${eventId}`);
    const ts = Number(event['origin_server_ts']);
    const found = { event_id: eventId, origin_server_ts: ts };
    expect((await at(alice, roomId, ts, 'b')).body).toEqual(found);
    expect((await at(alice, roomId, Date.now() + 60_000, 'b')).body).toEqual(found);
    expect(outcome(await at(alice, roomId, ts + 1, 'f'))).toBe('404 M_NOT_FOUND');
    expect(outcome(await at(alice, roomId, 0, 'b'))).toBe('404 M_NOT_FOUND');
    const first = (await at(alice, roomId, 0, 'f')).body.event_id ?? '';
    expect(await alice.expect('GET', path`/v3/rooms/${roomId}/event/${first}`)).toMatchObject({
      type: 'm.room.create',
    });
    expect(outcome(await at(bob, roomId, ts, 'b'))).toBe('403 M_FORBIDDEN');
  });
});
