import { beforeAll, describe, expect, test } from '@jest/globals';
import { type AnswerBody, path, uniqueName, type TestUser } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { newUser, newUsers, outcome, types } from '../users.js';

const { serverName } = sharedCluster();

let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
});

const ask = (user: TestUser, roomId: string, body: unknown) =>
  user.request('POST', path`/v3/rooms/${roomId}/upgrade`, body);

async function upgrade(user: TestUser, roomId: string, version: string, more: object = {}): Promise<string> {
  const body = { new_version: version, ...more };
  const answer = await user.expect('POST', path`/v3/rooms/${roomId}/upgrade`, body);
  return String(answer['replacement_room']);
}

/** What a room's state says, by type, of what has the empty state key. */
async function contents(user: TestUser, roomId: string): Promise<Record<string, AnswerBody>> {
  const events = (await user.expect('GET', path`/v3/rooms/${roomId}/state`)) as unknown as {
    type: string;
    state_key: string;
    content: AnswerBody;
  }[];
  const single = events.filter(({ state_key }) => state_key === '');
  return Object.fromEntries(single.map(({ type, content }) => [type, content]));
}

const state = (type: string, content: object, state_key = '') => ({ type, state_key, content });
const copied = {
  'm.room.name': { name: 'The hall' },
  'm.room.topic': { topic: 'plain' },
  'm.room.avatar': { url: 'mxc://hs/avatar' },
  'm.room.encryption': { algorithm: 'm.megolm.v1.aes-sha2' },
  'm.room.server_acl': { allow: ['*'], deny: ['evil.example'] },
  'm.room.guest_access': { guest_access: 'can_join' },
  'm.room.history_visibility': { history_visibility: 'joined' },
  'm.room.join_rules': { join_rule: 'public' },
};

describe.each([
  ['1', '12'],
  ['3', '6'],
  ['10', '11'],
  ['11', '12'],
  ['12', '12'],
  ['12', '11'],
])('from version %s to %s', (from, to) => {
  let old: string;
  let replacement: string;
  let powers: AnswerBody;

  beforeAll(async () => {
    old = await alice.createRoom({
      room_version: from,
      preset: 'public_chat',
      creation_content: { 'm.federate': false, 'org.test.other': 1 },
      initial_state: [
        ...Object.entries(copied).map(([type, content]) => state(type, content)),
        state('org.test.state', { own: true }),
      ],
    });
    await bob.join(old);
    await alice.ban(old, '@spammer:elsewhere.example');
    await alice.expect('POST', path`/v3/rooms/${old}/ban`, { user_id: '@troll:x.example', reason: 'rude' });
    powers = await alice.state(old, 'm.room.power_levels');
    powers = { ...powers, users: { ...(powers['users'] as object), [bob.userId]: 50 } };
    await alice.setState(old, 'm.room.power_levels', powers);
    replacement = await upgrade(alice, old, to);
  });

  test('the rooms name each other', async () => {
    const tombstone = await alice.state(old, 'm.room.tombstone');
    expect(tombstone).toEqual({ body: expect.any(String), replacement_room: replacement });
    const create = await alice.state(replacement, 'm.room.create');
    expect(create).toEqual({
      room_version: to,
      'm.federate': false,
      predecessor: { room_id: old, ...(to !== '12' && { event_id: expect.any(String) }) },
      ...(Number(to) <= 10 && { creator: alice.userId }),
    });
    if (to === '12') return;
    const { event_id } = create['predecessor'] as { event_id: string };
    const named = await alice.expect('GET', path`/v3/rooms/${old}/event/${event_id}`);
    expect(named).toMatchObject({ type: 'm.room.tombstone', content: tombstone });
  });

  test('state is taken over, bans too, but not what depends on its sender', async () => {
    const found = await contents(alice, replacement);
    expect(found).toMatchObject(copied);
    expect(found).not.toHaveProperty('org.test.state');
    expect(await alice.state(replacement, 'm.room.member', '@spammer:elsewhere.example')).toEqual({
      membership: 'ban',
    });
    expect(await alice.state(replacement, 'm.room.member', '@troll:x.example')).toEqual({
      membership: 'ban',
      reason: 'rude',
    });
    const { joined } = await alice.expect('GET', path`/v3/rooms/${replacement}/joined_members`);
    expect(Object.keys(joined as object)).toEqual([alice.userId]);
  });

  test('power is the same, but for creators', async () => {
    const users = { ...(to !== '12' && { [alice.userId]: from === '12' ? 150 : 100 }), [bob.userId]: 50 };
    const tombstone = from === '12' || to === '12' ? 150 : 100;
    expect(await alice.state(replacement, 'm.room.power_levels')).toEqual({
      ...powers,
      users,
      events: { ...(powers['events'] as object), 'm.room.tombstone': tombstone },
    });
  });

  test('nobody talks in the old room or invites to it, and everybody comes into the new one', async () => {
    const silenced = { ...powers, events_default: 50, invite: 50 };
    expect(await alice.state(old, 'm.room.power_levels')).toEqual(silenced);
    const carol = await newUser('carol');
    await carol.join(replacement);
    await bob.join(replacement);
    await bob.send(replacement, 'here');
    const timeline = (await alice.sync()).rooms?.join?.[old]?.timeline.events;
    expect(types(timeline).slice(-2)).toEqual(['m.room.tombstone', 'm.room.power_levels']);
  });
});

describe('the way to the room', () => {
  test('leads to the replacement: aliases, canonical ones, and the directory', async () => {
    const [main, other, alternative] = [uniqueName('main'), uniqueName('other'), uniqueName('alt')].map(
      (name) => `#${name}:${serverName}`,
    ) as [string, string, string];
    const old = await alice.createRoom({ room_version: '10', visibility: 'public' });
    for (const alias of [main, other, alternative]) {
      await alice.expect('PUT', path`/v3/directory/room/${alias}`, { room_id: old });
    }
    await alice.setState(old, 'm.room.canonical_alias', { alias: main, alt_aliases: [alternative] });
    const replacement = await upgrade(alice, old, '12');
    for (const alias of [main, other, alternative]) {
      const found = await bob.expect('GET', path`/v3/directory/room/${alias}`);
      expect(found.room_id).toBe(replacement);
    }
    expect(await alice.state(replacement, 'm.room.canonical_alias')).toEqual({
      alias: main,
      alt_aliases: [alternative],
    });
    expect(await alice.state(old, 'm.room.canonical_alias')).toEqual({});
    const visibility = async (roomId: string) =>
      (await alice.expect('GET', path`/v3/directory/list/room/${roomId}`))['visibility'];
    expect([await visibility(old), await visibility(replacement)]).toEqual(['private', 'public']);
  });

  test('a private room stays out of the directory; a restricted one keeps its rule', async () => {
    const club = await alice.createRoom();
    const rule = { join_rule: 'restricted', allow: [{ type: 'm.room_membership', room_id: club }] };
    const old = await alice.createRoom({ initial_state: [state('m.room.join_rules', rule)] });
    const replacement = await upgrade(alice, old, '12');
    expect(await alice.state(replacement, 'm.room.join_rules')).toEqual(rule);
    const listed = await alice.expect('GET', path`/v3/directory/list/room/${replacement}`);
    expect(listed['visibility']).toBe('private');
  });

  test('a rule that the new version does not know becomes an invite', async () => {
    const old = await alice.createRoom({
      room_version: '10',
      initial_state: [state('m.room.join_rules', { join_rule: 'knock_restricted', allow: [] })],
    });
    const replacement = await upgrade(alice, old, '6');
    expect(await alice.state(replacement, 'm.room.join_rules')).toEqual({ join_rule: 'invite' });
  });

  test('a space keeps its children', async () => {
    const child = { via: [serverName], order: 'a' };
    const old = await alice.createRoom({
      creation_content: { type: 'm.space' },
      initial_state: [
        state('m.space.child', child, '!child:x'),
        state('m.space.child', {}, '!gone:x'),
        state('m.space.parent', child, '!parent:x'),
      ],
    });
    const replacement = await upgrade(alice, old, '12');
    expect(await alice.state(replacement, 'm.room.create')).toMatchObject({ type: 'm.space' });
    expect(await alice.state(replacement, 'm.space.child', '!child:x')).toEqual(child);
    const events = (await alice.expect('GET', path`/v3/rooms/${replacement}/state`)) as unknown as {
      type: string;
    }[];
    expect(events.filter(({ type }) => type.startsWith('m.space'))).toHaveLength(1);
  });
});

describe('creators and power (behaviour 53)', () => {
  test('whoever upgrades to version 12 becomes the creator, with those that the request names', async () => {
    const carol = await newUser('carol');
    const old = await alice.createRoom({ room_version: '11', preset: 'public_chat' });
    await bob.join(old);
    const powers = await alice.state(old, 'm.room.power_levels');
    const users = { [alice.userId]: 100, [bob.userId]: 100, [carol.userId]: 60 };
    await alice.setState(old, 'm.room.power_levels', { ...powers, users });
    const replacement = await upgrade(bob, old, '12', { additional_creators: [carol.userId, bob.userId] });
    expect(await bob.state(replacement, 'm.room.create')).toMatchObject({
      additional_creators: [carol.userId],
    });
    expect(await bob.state(replacement, 'm.room.power_levels')).toMatchObject({
      users: { [alice.userId]: 100 },
      events: { 'm.room.tombstone': 150 },
    });
  });

  test('creators are not carried over, and those of before are nothing but users', async () => {
    const old = await alice.createRoom({
      preset: 'public_chat',
      creation_content: { additional_creators: [bob.userId] },
    });
    await bob.join(old);
    const replacement = await upgrade(bob, old, '12');
    expect(await bob.state(replacement, 'm.room.create')).not.toHaveProperty('additional_creators');
    expect(await bob.state(replacement, 'm.room.power_levels')).toMatchObject({ users: {} });
  });

  test('additional creators are ignored where the version has none', async () => {
    const old = await alice.createRoom({ room_version: '10' });
    const replacement = await upgrade(alice, old, '11', { additional_creators: [bob.userId] });
    expect(await alice.state(replacement, 'm.room.create')).not.toHaveProperty('additional_creators');
  });

  test('somebody of little power can set the state of the replacement, and has no more in the end', async () => {
    const old = await alice.createRoom({ room_version: '10', preset: 'public_chat', name: 'Name' });
    await bob.join(old);
    await alice.ban(old, '@mighty:x.example');
    const powers = {
      users: { [alice.userId]: 100, [bob.userId]: 20, '@mighty:x.example': 90 },
      events: { 'm.room.tombstone': 20, 'm.room.name': 80 },
      ban: 70,
    };
    await alice.setState(old, 'm.room.power_levels', powers);
    const replacement = await upgrade(bob, old, '11');
    expect(await bob.state(replacement, 'm.room.power_levels')).toEqual(powers);
    expect(await bob.state(replacement, 'm.room.name')).toEqual({ name: 'Name' });
    expect(await bob.state(replacement, 'm.room.member', '@mighty:x.example')).toEqual({ membership: 'ban' });
    // The old room's levels are above Bob: they stay as they are.
    expect(await bob.state(old, 'm.room.power_levels')).toEqual(powers);
    const rename = await bob.request('PUT', path`/v3/rooms/${replacement}/state/m.room.name/`, { name: 'x' });
    expect(outcome(rename)).toBe('403 M_FORBIDDEN');
  });
});

describe('refusals', () => {
  let old: string;
  beforeAll(async () => {
    old = await alice.createRoom({ preset: 'public_chat' });
    await bob.join(old);
  });

  const joinedRooms = async (user: TestUser) =>
    (await user.expect('GET', '/v3/joined_rooms'))['joined_rooms'] as string[];

  test.each([
    ['an unknown version', { new_version: 'x' }, '400 M_UNSUPPORTED_ROOM_VERSION'],
    ['a number for a version', { new_version: 12 }, '400 M_BAD_JSON'],
    ['no version', {}, '400 M_BAD_JSON'],
    ['creators that are none', { new_version: '12', additional_creators: ['bob'] }, '400 M_BAD_JSON'],
    ['a creator that is no list', { new_version: '12', additional_creators: '@b:x' }, '400 M_BAD_JSON'],
  ])('%s', async (_, body, expected) => {
    const before = await joinedRooms(alice);
    expect(outcome(await ask(alice, old, body))).toBe(expected);
    expect(await joinedRooms(alice)).toEqual(before);
  });

  test('an administrator of a room of version 12, where tombstones need more', async () => {
    const powers = await alice.state(old, 'm.room.power_levels');
    await alice.setState(old, 'm.room.power_levels', { ...powers, users: { [bob.userId]: 149 } });
    const before = await joinedRooms(bob);
    for (const version of ['11', '12']) {
      expect(outcome(await ask(bob, old, { new_version: version }))).toBe('403 M_FORBIDDEN');
    }
    expect(await joinedRooms(bob)).toEqual(before);
    await alice.setState(old, 'm.room.power_levels', { ...powers, users: { [bob.userId]: 150 } });
    const replacement = await upgrade(bob, old, '12');
    expect(await bob.state(replacement, 'm.room.create')).toMatchObject({ predecessor: { room_id: old } });
  });

  test('who is not in the room, and a room that nobody knows', async () => {
    const carol = await newUser('carol');
    const room = await alice.createRoom();
    expect(outcome(await ask(carol, room, { new_version: '12' }))).toBe('403 M_FORBIDDEN');
    expect(outcome(await ask(carol, '!fail:unknown', { new_version: '12' }))).toBe('404 M_NOT_FOUND');
    expect(await joinedRooms(carol)).toEqual([]);
  });
});

describe('asked more than once', () => {
  test.each([
    ['11', '11'],
    ['11', '12'],
  ])('an upgrade from %s to %s at the same time, and again, gives one room', async (from, to) => {
    const old = await alice.createRoom({ room_version: from });
    const joined = async () => (await alice.expect('GET', '/v3/joined_rooms'))['joined_rooms'] as string[];
    const before = await joined();
    const rooms = await Promise.all([1, 2, 3].map(() => upgrade(alice, old, to)));
    rooms.push(await upgrade(alice, old, to));
    expect(new Set(rooms).size).toBe(1);
    expect(await joined()).toHaveLength(before.length + 1);
    const tombstones = (await alice.history(old)).filter(({ type }) => type === 'm.room.tombstone');
    expect(tombstones.map(({ content }) => content['replacement_room'])).toEqual(
      tombstones.map(() => rooms[0]),
    );
  });

  test('two administrators at the same time: one room, and the other is told', async () => {
    const old = await alice.createRoom({ room_version: '11', preset: 'public_chat' });
    await bob.join(old);
    const powers = await alice.state(old, 'm.room.power_levels');
    const users = { [alice.userId]: 100, [bob.userId]: 100 };
    await alice.setState(old, 'm.room.power_levels', { ...powers, users });
    const answers = await Promise.all([alice, bob].map((user) => ask(user, old, { new_version: '12' })));
    expect(answers.map(outcome).sort()).toEqual(['200', '400 M_UNKNOWN']);
  });

  test('for another version, when the first is done, makes another room', async () => {
    const old = await alice.createRoom({ room_version: '10' });
    const first = await upgrade(alice, old, '11');
    const second = await upgrade(alice, old, '12');
    expect(second).not.toBe(first);
    expect(await alice.state(old, 'm.room.tombstone')).toMatchObject({ replacement_room: second });
  });
});
