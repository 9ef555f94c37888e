import { beforeAll, describe, expect, test } from '@jest/globals';
import { path, uniqueName, type TestUser } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { newUsers, outcome, types } from '../users.js';

const { serverName } = sharedCluster();

let alice: TestUser;
let bob: TestUser;
beforeAll(async () => {
  [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
});

const firstSync = async (roomId: string) => {
  const filter = JSON.stringify({ room: { timeline: { limit: 50 } } });
  const room = (await alice.sync({ filter })).rooms?.join?.[roomId];
  if (!room) throw new Error('the room is not in the first sync');
  return room.timeline.events;
};

describe('the first events (behaviours 12, 14)', () => {
  test.each([
    ['private_chat', ['m.room.join_rules', 'm.room.history_visibility', 'm.room.guest_access']],
    ['trusted_private_chat', ['m.room.join_rules', 'm.room.history_visibility', 'm.room.guest_access']],
    ['public_chat', ['m.room.join_rules', 'm.room.history_visibility']],
  ])('of a %s', async (preset, after) => {
    const roomId = await alice.createRoom({ preset });
    const events = await firstSync(roomId);
    expect(types(events)).toEqual(['m.room.create', 'm.room.member', 'm.room.power_levels', ...after]);
  });

  test('with an alias, name, topic, initial state and invites', async () => {
    const name = uniqueName('order');
    const roomId = await alice.createRoom({
      preset: 'public_chat',
      room_alias_name: name,
      name: 'Name',
      topic: 'Topic',
      initial_state: [{ type: 'm.test', state_key: 'key', content: { a: 1 } }],
      invite: [bob.userId],
    });
    expect(types(await firstSync(roomId))).toEqual([
      'm.room.create',
      'm.room.member',
      'm.room.power_levels',
      'm.room.canonical_alias',
      'm.room.join_rules',
      'm.room.history_visibility',
      'm.test',
      'm.room.name',
      'm.room.topic',
      'm.room.member',
    ]);
    expect(await alice.state(roomId, 'm.room.canonical_alias')).toEqual({ alias: `#${name}:${serverName}` });
  });
});

describe('topics (behaviour 13)', () => {
  const withText = (topic: string) => ({
    topic,
    'm.topic': { 'm.text': [expect.objectContaining({ body: topic })] },
  });
  const initial = { initial_state: [{ type: 'm.room.topic', state_key: '', content: { topic: 'initial' } }] };

  test.each([
    ['topic', { topic: 'said' }, withText('said')],
    ['initial_state', initial, { topic: 'initial' }],
    ['both', { topic: 'said', ...initial }, withText('said')],
  ])('given as %s', async (_, options, expected) => {
    const roomId = await alice.createRoom(options);
    expect(await alice.state(roomId, 'm.room.topic')).toEqual(expected);
  });
});

describe('versions (behaviour 14)', () => {
  test.each(['2', '10', '11', '12'])('%s', async (version) => {
    const roomId = await alice.createRoom({
      room_version: version,
      creation_content: { room_version: '6', 'org.test.key': 'kept' },
    });
    const create = await alice.state(roomId, 'm.room.create');
    expect(create).toMatchObject({ room_version: version, 'org.test.key': 'kept' });
    expect(roomId.includes(':')).toBe(version !== '12');
    await alice.send(roomId, 'it works');
  });
});

describe('power levels (behaviour 16)', () => {
  test('the first ones have every default, and the creator above users_default', async () => {
    const roomId = await alice.createRoom({ room_version: '11' });
    const levels = await alice.state(roomId, 'm.room.power_levels');
    const keys = ['ban', 'kick', 'redact', 'state_default', 'events_default', 'users_default'];
    expect(keys.map((key) => typeof levels[key])).toEqual(keys.map(() => 'number'));
    const users = levels['users'] as Record<string, number>;
    expect(users[alice.userId]).toBeGreaterThan(levels['users_default'] as number);
  });

  test('are stored as they were sent, and bind the one who sent them', async () => {
    const roomId = await alice.createRoom({ room_version: '11' });
    const target = path`/v3/rooms/${roomId}/state/m.room.power_levels/`;
    await alice.setState(roomId, 'm.room.power_levels', {});
    expect(await alice.state(roomId, 'm.room.power_levels')).toEqual({});
    const refused = await alice.request('PUT', target, { users: { [alice.userId]: 100 } });
    expect(outcome(refused)).toBe('403 M_FORBIDDEN');
  });

  test('users_default may be lowered by one who has exactly that level', async () => {
    const roomId = await alice.createRoom({
      room_version: '11',
      preset: 'public_chat',
      power_level_content_override: { users_default: 50, events: { 'm.room.power_levels': 50 } },
    });
    await bob.join(roomId);
    const levels = await bob.state(roomId, 'm.room.power_levels');
    const answer = await bob.request('PUT', path`/v3/rooms/${roomId}/state/m.room.power_levels/`, {
      ...levels,
      users_default: 10,
    });
    expect(outcome(answer)).toBe('200');
  });
});
