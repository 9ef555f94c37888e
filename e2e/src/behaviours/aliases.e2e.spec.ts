import { beforeAll, describe, expect, test } from '@jest/globals';
import { path, uniqueName, type TestUser } from '@atoll/testing';
import { sharedCluster } from '../shared-cluster/shared-cluster.js';
import { newUser, newUsers, outcome } from '../users.js';

const { serverName } = sharedCluster();
const newAlias = (prefix = 'alias') => `#${uniqueName(prefix)}:${serverName}`;

let alice: TestUser;
let bob: TestUser;
let roomId: string;
beforeAll(async () => {
  [alice, bob] = (await newUsers('alice', 'bob')) as [TestUser, TestUser];
  roomId = await alice.createRoom({ preset: 'public_chat' });
  await bob.join(roomId);
});

const put = (user: TestUser, alias: string, room = roomId) =>
  user.request('PUT', path`/v3/directory/room/${alias}`, { room_id: room });
const remove = (user: TestUser, alias: string) => user.request('DELETE', path`/v3/directory/room/${alias}`);
const canonical = async (user: TestUser, content: Record<string, unknown>, room = roomId) =>
  outcome(await user.request('PUT', path`/v3/rooms/${room}/state/m.room.canonical_alias/`, content));

describe('aliases (behaviour 15)', () => {
  test('hold any characters, and lead into the room', async () => {
    const alias = newAlias('🐈 läuft');
    expect(outcome(await put(alice, alias))).toBe('200');
    const found = await bob.expect('GET', path`/v3/directory/room/${alias}`);
    expect(found).toMatchObject({ room_id: roomId, servers: [serverName] });
    const carol = await newUser('carol');
    expect(await carol.join(alias)).toBe(roomId);
    expect(outcome(await put(alice, alias))).toBe('409 M_UNKNOWN');
  });

  test('of a room are listed for its members', async () => {
    const room = await alice.createRoom();
    const list = path`/v3/rooms/${room}/aliases`;
    expect((await alice.expect('GET', list))['aliases']).toEqual([]);
    const alias = newAlias();
    await put(alice, alias, room);
    expect((await alice.expect('GET', list))['aliases']).toEqual([alias]);
    expect(outcome(await bob.request('GET', list))).toBe('403 M_FORBIDDEN');
  });

  test('are removed by who made them or by an operator', async () => {
    const [own, others] = [newAlias(), newAlias()];
    expect(outcome(await put(bob, own))).toBe('200');
    expect(outcome(await put(alice, others))).toBe('200');
    expect(outcome(await remove(bob, others))).toBe('403 M_FORBIDDEN');
    expect(outcome(await remove(bob, own))).toBe('200');
    expect(outcome(await remove(bob, own))).toBe('404 M_NOT_FOUND');
    expect(outcome(await bob.request('GET', path`/v3/directory/room/${own}`))).toBe('404 M_NOT_FOUND');
    const second = newAlias();
    await put(bob, second);
    expect(outcome(await remove(alice, second))).toBe('200');
  });

  test('are made and removed without power, whatever level m.room.aliases has', async () => {
    const room = await alice.createRoom({
      preset: 'public_chat',
      power_level_content_override: { events: { 'm.room.aliases': 50, 'm.room.canonical_alias': 50 } },
    });
    await bob.join(room);
    const alias = newAlias();
    expect(outcome(await put(bob, alias, room))).toBe('200');
    expect(await canonical(alice, { alias }, room)).toBe('200');
    expect(outcome(await remove(bob, alias))).toBe('200');
  });

  test('that are canonical leave the state when an operator removes them', async () => {
    const alias = newAlias();
    await put(alice, alias);
    expect(await canonical(alice, { alias })).toBe('200');
    expect(outcome(await remove(alice, alias))).toBe('200');
    expect(await alice.state(roomId, 'm.room.canonical_alias')).toEqual({});
  });

  test('are canonical only where they lead to the room', async () => {
    const [deleted, elsewhere] = [newAlias(), newAlias()];
    await put(alice, deleted);
    await remove(alice, deleted);
    await put(alice, elsewhere, await alice.createRoom());
    for (const alias of [newAlias('missing'), deleted, elsewhere]) {
      expect(await canonical(alice, { alias })).toBe('400 M_BAD_ALIAS');
      expect(await canonical(alice, { alt_aliases: [alias] })).toBe('400 M_BAD_ALIAS');
    }
    expect(await canonical(alice, { alias: '%x:hs1' })).toBe('400 M_INVALID_PARAM');
    expect(await canonical(alice, { alt_aliases: ['%x:hs1'] })).toBe('400 M_INVALID_PARAM');
  });

  test('of other servers cannot be made here', async () => {
    expect((await put(alice, '#alias:elsewhere.example')).status).toBe(400);
  });
});

test('the room directory lists what is published', async () => {
  const name = uniqueName('Published');
  const room = await alice.createRoom({ preset: 'public_chat', name, visibility: 'public' });
  const search = { filter: { generic_search_term: name } };
  const rooms = async () =>
    ((await bob.expect('POST', '/v3/publicRooms', search)).chunk ?? []) as unknown as {
      room_id: string;
      num_joined_members: number;
    }[];
  expect(await rooms()).toMatchObject([
    { room_id: room, name, num_joined_members: 1, world_readable: false },
  ]);
  await alice.expect('PUT', path`/v3/directory/list/room/${room}`, { visibility: 'private' });
  expect(await rooms()).toEqual([]);
});
