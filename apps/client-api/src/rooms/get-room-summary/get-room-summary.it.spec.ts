import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RoomRows } from '@atoll/database/testing';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { ALICE, answered, BOB, refused, type RoomsApp, startRoomsApp } from '../rooms-app.spec-support.js';

let app: RoomsApp;

beforeAll(async () => {
  app = await startRoomsApp();
  await make('public', {
    'm.room.join_rules': { join_rule: 'public' },
    'm.room.create': { type: 'm.space' },
    'm.room.name': { name: 'Name' },
    'm.room.encryption': { algorithm: 'm.megolm.v1.aes-sha2' },
  });
  await make('knock', { 'm.room.join_rules': { join_rule: 'knock' } });
  await make('readable', { 'm.room.history_visibility': { history_visibility: 'world_readable' } });
  const private_ = await make('private', {});
  await private_.member('@carol:hs1' as UserId, 'leave');
  const restricted = await make('restricted', {
    'm.room.join_rules': {
      join_rule: 'restricted',
      allow: [{ type: 'm.room_membership', room_id: '!private:hs1' }],
    },
  });
  await restricted.member(ALICE, 'leave');
  await restricted.member(BOB, 'join');
});
beforeEach(() => {
  app.servers.asked.length = 0;
  app.servers.answer = () => refused(404);
});
afterAll(() => app.stop());

async function make(name: string, states: Record<string, JsonObject>): Promise<RoomRows> {
  const room = await RoomRows.create(app.database, { roomId: `!${name}:hs1` as RoomId, version: '10' });
  await room.member(ALICE, 'join');
  for (const [type, content] of Object.entries(states)) await room.state(type, ALICE, content);
  return room;
}

const CAROL = '@carol:hs1' as UserId;
const ask = (user: UserId | undefined, room: string, query = '') =>
  app.call(user, 'GET', `/_matrix/client/v1/room_summary/${encodeURIComponent(room)}?${query}`);
const notFound = { status: 404, body: { errcode: 'M_NOT_FOUND', error: expect.any(String) } };

describe('a room of this server', () => {
  it('is summarised, with the membership of who asks', async () => {
    const summary = {
      ...{ room_id: '!public:hs1', num_joined_members: 1, world_readable: false, guest_can_join: false },
      ...{ join_rule: 'public', room_version: '10', room_type: 'm.space', name: 'Name' },
      encryption: 'm.megolm.v1.aes-sha2',
    };
    expect(await ask(ALICE, '!public:hs1')).toEqual({
      status: 200,
      body: { ...summary, membership: 'join' },
    });
    expect((await ask(BOB, '!public:hs1')).body).toEqual({ ...summary, membership: 'leave' });
    expect((await ask(undefined, '!public:hs1')).body).toEqual(summary);
  });

  it.each([
    ['public', undefined, 200],
    ['knock', undefined, 200],
    ['readable', undefined, 200],
    ['restricted', undefined, 404],
    ['private', undefined, 404],
    ['private', BOB, 404],
    ['private', CAROL, 404],
    ['restricted', CAROL, 404],
    ['restricted', ALICE, 200],
    ['restricted', BOB, 200],
    ['unknown', ALICE, 404],
  ])('%s is for %s: %d', async (room, user, status) => {
    const answer = await ask(user, `!${room}:hs1`);
    expect(answer.status).toBe(status);
    if (status === 404) expect(answer).toEqual(notFound);
    expect(app.servers.asked).toEqual([]);
  });

  it('tells which rooms let in only if it is restricted', async () => {
    expect((await ask(ALICE, '!restricted:hs1')).body['allowed_room_ids']).toEqual(['!private:hs1']);
    expect((await ask(ALICE, '!private:hs1')).body).not.toHaveProperty('allowed_room_ids');
  });

  it('has a right name', async () => {
    for (const name of ['public', '@a:hs1', '!public:hs1?via=a%20b']) {
      const [room = '', query = ''] = name.split('?');
      expect(await ask(ALICE, room, query)).toMatchObject({
        status: 400,
        body: { errcode: 'M_INVALID_PARAM' },
      });
    }
  });
});

describe('a room of other servers', () => {
  const summary = {
    ...{ num_joined_members: 2, world_readable: false, guest_can_join: true },
    ...{ join_rule: 'public', name: 'Far' },
  };
  const tells = (room: JsonObject) => answered({ room: { ...room, children_state: [] }, children: [] });

  it('is summarised by the servers that the client names, and the one of its id', async () => {
    const room = { ...summary, room_id: '!far:hs2' };
    app.servers.answer = (server) => (server === 'hs2' ? tells(room) : refused(404));
    const { body } = await ask(BOB, '!far:hs2', 'via=hs3&via=hs4');
    expect(body).toEqual({ ...room, membership: 'leave' });
    expect(app.servers.asked.map(({ server }) => server)).toEqual(['hs3', 'hs4', 'hs2']);
    expect(app.servers.asked[0]?.path).toBe(
      '/_matrix/federation/v1/hierarchy/!far%3Ahs2?suggested_only=false',
    );
  });

  it('is found by an alias', async () => {
    const room = { ...summary, room_id: '!aliased:hs2' };
    app.servers.answer = (server, path) => {
      if (path.includes('query/directory')) return answered({ room_id: '!aliased:hs2', servers: ['hs3'] });
      return server === 'hs3' ? tells(room) : refused(403);
    };
    expect((await ask(BOB, '#far:hs2')).body).toMatchObject({ room_id: '!aliased:hs2', name: 'Far' });
  });

  it('is not asked for on behalf of strangers', async () => {
    expect(await ask(undefined, '!stranger:hs2', 'via=hs3')).toEqual(notFound);
    expect(app.servers.asked).toEqual([]);
  });

  it('is not for everybody because another server tells of it', async () => {
    app.servers.answer = () => tells({ ...summary, room_id: '!closed:hs2', join_rule: 'invite' });
    expect(await ask(BOB, '!closed:hs2')).toEqual(notFound);
    const invited = await RoomRows.create(app.database, { roomId: '!closed:hs2' as RoomId });
    await invited.member(BOB, 'invite', '@dan:hs2' as UserId);
    expect((await ask(BOB, '!closed:hs2')).body).toMatchObject({ name: 'Far', membership: 'invite' });
  });

  it('that nobody tells of is not found', async () => {
    expect(await ask(BOB, '!nowhere:hs2', 'via=hs3')).toEqual(notFound);
    expect(await ask(BOB, '#nowhere:hs2')).toEqual(notFound);
  });
});
