import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { MAX_VIA, REMOTE_MEMBERSHIP_TIMEOUT_MS } from '@atoll/contract';
import { RoomRows } from '@atoll/database/testing';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { ALICE, answered, BOB, refused, type RoomsApp, startRoomsApp } from './rooms-app.spec-support.js';

const DAN = '@dan:hs2:8448' as UserId;
const HASHED = `!${'a'.repeat(43)}` as RoomId;

let app: RoomsApp;

beforeAll(async () => {
  app = await startRoomsApp();
});
beforeEach(() => {
  app.commands.asked.length = 0;
  app.servers.asked.length = 0;
  app.commands.answer = () => ({ eventId: '$new' });
  app.servers.answer = () => refused(404);
});
afterAll(() => app.stop());

const error = (status: number, errcode: string) => ({ status, body: { errcode, error: expect.any(String) } });
const asked = () => app.commands.asked.map(({ input }) => input);
const post = (path: string, body: JsonObject = {}) => app.call(BOB, 'POST', path, body);
const at = (id: string) => encodeURIComponent(id);

describe('joining by way of other servers', () => {
  it('names those that the client gives, then the one of the room id, and waits for them', async () => {
    const answer = await post(`join/${at('!r:hs4')}?via=hs2&via=hs3&server_name=hs3&via=hs1`);
    expect(answer).toEqual({ status: 200, body: { room_id: '!r:hs4' } });
    expect(app.commands.asked).toMatchObject([
      {
        input: { roomId: '!r:hs4', action: 'join', via: ['hs2', 'hs3', 'hs4'] },
        timeoutMs: REMOTE_MEMBERSHIP_TIMEOUT_MS,
      },
    ]);
  });

  it('asks nobody about rooms of this server', async () => {
    await post(`rooms/${at('!r:hs1')}/join`);
    await post(`rooms/${at('!r:hs1')}/join?via=hs2`);
    expect(asked()).toMatchObject([{ via: [] }, { via: ['hs2'] }]);
  });

  it('names the servers of an alias, which its own server tells', async () => {
    app.servers.answer = () => answered({ room_id: HASHED, servers: ['hs3', 'no server', 7, 'hs2:8448'] });
    const answer = await post(`join/${at('#a b:hs2:8448')}?server_name=hs5`);
    expect(answer.body).toEqual({ room_id: HASHED });
    expect(asked()).toMatchObject([{ roomId: HASHED, via: ['hs5', 'hs3', 'hs2:8448'] }]);
    expect(app.servers.asked).toEqual([
      {
        server: 'hs2:8448',
        method: 'GET',
        path: '/_matrix/federation/v1/query/directory?room_alias=%23a%20b%3Ahs2%3A8448',
        content: undefined,
      },
    ]);
    await post(`knock/${at('#a:hs2:8448')}`, { reason: 'please' });
    expect(asked()[1]).toMatchObject({ action: 'knock', reason: 'please', via: ['hs3', 'hs2:8448'] });
  });

  it('names at most so many servers as are tried', async () => {
    app.servers.answer = () =>
      answered({ room_id: '!r:hs2', servers: Array.from({ length: 200 }, (_, i) => `s${i}`) });
    await post(`join/${at('#a:hs2')}`);
    expect(asked()[0]?.['via']).toHaveLength(MAX_VIA);
    const many = Array.from({ length: MAX_VIA + 1 }, (_, i) => `via=s${i}`).join('&');
    expect(await post(`join/!r:hs2?${many}`)).toEqual(error(400, 'M_INVALID_PARAM'));
    expect(await post('join/!r:hs2?via=no%20server')).toEqual(error(400, 'M_INVALID_PARAM'));
    expect(asked()).toHaveLength(1);
  });

  it.each([
    ['that is not there', refused(404), 404, 'M_NOT_FOUND'],
    ['to no room', answered({ room_id: 'r', servers: [] }), 502, 'M_UNKNOWN'],
    ['without servers', answered({ room_id: '!r:hs2' }), 502, 'M_UNKNOWN'],
  ])('an alias %s', async (_, answer, status, errcode) => {
    app.servers.answer = () => answer;
    expect(await post(`join/${at('#a:hs2')}`)).toEqual(error(status, errcode));
    expect(await app.call(undefined, 'GET', `directory/room/${at('#a:hs2')}`)).toEqual(
      error(status, errcode),
    );
    expect(asked()).toEqual([]);
  });
});

describe('invites and knocks of rooms that this server is not in', () => {
  it('are accepted and rejected by way of who invited and who is named beside it', async () => {
    const room = await RoomRows.create(app.database, { roomId: HASHED });
    const invite = await room.member(BOB, 'invite', DAN);
    const create = { type: 'm.room.create', state_key: '', sender: '@eve:hs3', content: {} };
    await room.strippedState(invite, [create, 7, { ...create, sender: 'nobody' }]);
    await post(`rooms/${at(HASHED)}/leave`);
    await post(`join/${at(HASHED)}?via=hs5`);
    expect(app.commands.asked).toMatchObject([
      { input: { action: 'leave', via: ['hs2:8448', 'hs3'] }, timeoutMs: REMOTE_MEMBERSHIP_TIMEOUT_MS },
      { input: { action: 'join', via: ['hs5', 'hs2:8448', 'hs3'] } },
    ]);
  });

  it('say nothing once they are over', async () => {
    const room = await RoomRows.create(app.database, { roomId: `!${'b'.repeat(43)}` as RoomId });
    await room.member(BOB, 'invite', DAN);
    await room.member(BOB, 'leave');
    await post(`rooms/${at(room.roomId)}/leave`);
    expect(asked()).toMatchObject([{ action: 'leave', via: [] }]);
  });
});

describe('canonical aliases of other servers', () => {
  const put = (content: JsonObject) =>
    app.call(ALICE, 'PUT', `rooms/${at('!named:hs1')}/state/m.room.canonical_alias`, content);

  it('are looked up there', async () => {
    const room = await RoomRows.create(app.database, { roomId: '!named:hs1' as RoomId });
    await room.member(ALICE, 'join');
    app.servers.answer = (server) =>
      answered({ room_id: server === 'hs2' ? room.roomId : '!other:hs3', servers: [] });
    expect((await put({ alias: '#a:hs2' })).status).toBe(200);
    expect(await put({ alias: '#a:hs2', alt_aliases: ['#a:hs3'] })).toEqual(error(400, 'M_BAD_ALIAS'));
    const many = Array.from({ length: 11 }, (_, i) => `#a${i}:hs2`);
    expect(await put({ alt_aliases: many })).toEqual(error(400, 'M_INVALID_PARAM'));
  });
});

describe('directories of other servers', () => {
  it('are asked with the page that the client wants', async () => {
    app.servers.answer = () => answered({ chunk: [], total_room_count_estimate: 3, prev_batch: 7 });
    const page = await app.call(undefined, 'GET', 'publicRooms?server=hs2&limit=7&since=a%20b');
    expect(page.body).toEqual({ chunk: [], total_room_count_estimate: 3 });
    const filter = { room_types: [null, 'm.space'] };
    await app.call(BOB, 'POST', 'publicRooms?server=hs2', { limit: 1000, filter });
    await app.call(BOB, 'POST', 'publicRooms?server=hs1', {});
    expect(app.servers.asked).toMatchObject([
      { server: 'hs2', method: 'GET', path: '/_matrix/federation/v1/publicRooms?limit=7&since=a+b' },
      { method: 'POST', path: '/_matrix/federation/v1/publicRooms', content: { limit: 500, filter } },
    ]);
    expect(app.servers.asked).toHaveLength(2);
  });

  it.each([
    [refused(404), 404, 'M_NOT_FOUND'],
    [answered({}), 502, 'M_UNKNOWN'],
    [answered({ chunk: {} }), 502, 'M_UNKNOWN'],
  ])('answer %j', async (answer, status, errcode) => {
    app.servers.answer = () => answer;
    expect(await app.call(undefined, 'GET', 'publicRooms?server=hs2')).toEqual(error(status, errcode));
  });

  it('are those of servers', async () => {
    expect(await app.call(undefined, 'GET', 'publicRooms?server=a%20b')).toEqual(
      error(400, 'M_INVALID_PARAM'),
    );
  });
});
