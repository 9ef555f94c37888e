import { RoomRows } from '@atoll/database/testing';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  alice,
  type Asked,
  bob,
  federationPath,
  type OtherServer,
  startAsked,
} from '../room-reads.spec-support.js';

interface Hierarchy {
  room: JsonObject & { children_state: JsonObject[] };
  children: JsonObject[];
  inaccessible_children: string[];
}

describe('GET /hierarchy', () => {
  let asked: Asked;
  const id = (name: string) => `!${name}:hs1` as RoomId;
  const ask = (origin: OtherServer, name: string, query = {}) =>
    asked.ask(origin, 'GET', federationPath(['hierarchy', id(name)], query));
  const hierarchy = async (origin: OtherServer, query = {}) =>
    (await ask(origin, 'space', query)).body as Hierarchy;
  const names = (rooms: readonly (JsonObject | string)[]) =>
    rooms.map((room) => (typeof room === 'string' ? room : (room['room_id'] as string)).slice(1, -4)).sort();

  /** A room that alice is in. */
  async function make(name: string, states: Record<string, JsonObject>, version = '10') {
    const room = await RoomRows.create(asked.database, { roomId: id(name), version });
    await room.state('m.room.create', alice, states['m.room.create'] ?? {});
    await room.member(alice, 'join');
    for (const [type, content] of Object.entries(states)) {
      if (type !== 'm.room.create') await room.state(type, alice, content);
    }
    return room;
  }

  const joinRule = (join_rule: string, more: JsonObject = {}) => ({
    'm.room.join_rules': { join_rule, ...more },
  });
  const allowing = (name: string) => ({ allow: [{ type: 'm.room_membership', room_id: id(name) }, 'x', {}] });

  beforeAll(async () => {
    asked = await startAsked();
    const space = await make('space', { 'm.room.create': { type: 'm.space' }, ...joinRule('public') });
    await (await make('members', joinRule('invite'))).member(bob, 'join');
    await make('public', {
      ...joinRule('public'),
      ...{ 'm.room.name': { name: 'Name' }, 'm.room.topic': { topic: 'Topic' } },
      ...{ 'm.room.avatar': { url: 'mxc://hs1/a' }, 'm.room.canonical_alias': { alias: '#public:hs1' } },
      ...{ 'm.room.guest_access': { guest_access: 'can_join' } },
      ...{ 'm.room.encryption': { algorithm: 'm.megolm.v1.aes-sha2' } },
    });
    await make('knock', joinRule('knock'));
    await make('readable', {
      ...{
        'm.room.history_visibility': { history_visibility: 'world_readable' },
        'm.room.name': { name: 1 },
      },
    });
    await make('private', {});
    await make('restricted', joinRule('restricted', allowing('members')));
    await make('shut', { ...joinRule('public'), 'm.room.server_acl': { allow: ['hs9'] } });
    await (await make('left', joinRule('public'))).member(alice, 'leave');
    const children = [
      'public',
      'knock',
      'readable',
      'private',
      'restricted',
      'members',
      'shut',
      'left',
      'unknown',
    ];
    for (const name of children) {
      const content = { via: ['hs1'], ...(name === 'knock' && { suggested: true }) };
      await space.event({ type: 'm.space.child', sender: alice, stateKey: id(name), content });
    }
    await space.event({ type: 'm.space.child', sender: alice, stateKey: '!removed:hs1', content: {} });
    await space.event({ type: 'm.space.child', sender: alice, stateKey: 'no room', content: { via: [] } });
  });
  afterAll(() => asked.close());

  it('gives the children that the server could get into, and names the others that this one knows', async () => {
    const { children, inaccessible_children } = await hierarchy('hs2');
    expect(names(children)).toEqual(['knock', 'members', 'public', 'readable', 'restricted']);
    expect(names(inaccessible_children)).toEqual(['private', 'shut']);
    const stranger = await hierarchy('hs3');
    expect(names(stranger.children)).toEqual(['knock', 'public', 'readable']);
    expect(names(stranger.inaccessible_children)).toEqual(['members', 'private', 'restricted', 'shut']);
  });

  it('summarises rooms', async () => {
    const { room, children } = await hierarchy('hs2');
    expect(children.find(({ room_id }) => room_id === id('public'))).toEqual({
      ...{ room_id: id('public'), num_joined_members: 1, room_version: '10', join_rule: 'public' },
      ...{ name: 'Name', topic: 'Topic', avatar_url: 'mxc://hs1/a', canonical_alias: '#public:hs1' },
      ...{ guest_can_join: true, world_readable: false, encryption: 'm.megolm.v1.aes-sha2' },
    });
    expect(children.find(({ room_id }) => room_id === id('restricted'))).toMatchObject({
      allowed_room_ids: [id('members')],
    });
    expect(room).toMatchObject({ room_id: id('space'), room_type: 'm.space' });
    expect(room.children_state).toHaveLength(9);
    expect(room.children_state[0]).toEqual({
      ...{ type: 'm.space.child', state_key: id('public'), sender: alice, content: { via: ['hs1'] } },
      origin_server_ts: expect.any(Number),
    });
  });

  it('considers suggested children only, where that is wanted', async () => {
    const { room, children } = await hierarchy('hs2', { suggested_only: 'true' });
    expect(names(children)).toEqual(['knock']);
    expect(room.children_state).toMatchObject([{ state_key: id('knock') }]);
    expect(await ask('hs2', 'space', { suggested_only: 'x' })).toMatchObject({ status: 400 });
  });

  it('has no children in a room that is no space', async () => {
    expect((await ask('hs2', 'public')).body).toMatchObject({
      ...{ room: { children_state: [] }, children: [], inaccessible_children: [] },
    });
  });

  it.each(['private', 'shut', 'left', 'unknown'])('does not know the room: %s', async (name) => {
    expect(await ask('hs2', name)).toMatchObject({ status: 404, body: { errcode: 'M_NOT_FOUND' } });
  });
});
