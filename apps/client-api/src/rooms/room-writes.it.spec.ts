import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ROOM_EXISTS } from '@atoll/contract';
import { RoomRows } from '@atoll/database/testing';
import { forbidden, type JsonObject, MatrixError, type RoomId } from '@atoll/matrix';
import { type HashedEvent, hashDraft, rulesOf, type EventDraft } from '@atoll/room-rules';
import { ALICE, BOB, CAROL, type RoomsApp, startRoomsApp } from './rooms-app.spec-support.js';

let app: RoomsApp;
let room: RoomRows;

beforeAll(async () => {
  app = await startRoomsApp();
  room = await RoomRows.create(app.database, { roomId: '!write:hs1' as RoomId });
  await room.state('m.room.create', ALICE, { additional_creators: [CAROL] });
  await room.member(ALICE, 'join');
  await room.member(BOB, 'join');
  await app.database.db
    .insertInto('users')
    .values([ALICE, BOB, CAROL].map((user_id) => ({ user_id, password_hash: null, created_ts: 0 })))
    .execute();
  await app.database.db
    .insertInto('profile_fields')
    .values({ user_id: BOB, name: 'displayname', value: '"Bob"' })
    .execute();
});

beforeEach(() => {
  app.commands.asked.length = 0;
  app.commands.answer = () => ({ eventId: '$new', roomId: '!new' });
});

afterAll(() => app.stop());

const error = (status: number, errcode: string) => ({ status, body: { errcode, error: expect.any(String) } });
const asked = () => app.commands.asked.map(({ input }) => input);

describe('POST /createRoom', () => {
  const create = (body: JsonObject) => app.call(ALICE, 'POST', 'createRoom', body);

  it('composes the command, with the hash of the create event as the room id', async () => {
    expect(
      (await create({ preset: 'public_chat', name: 'n', topic: 't', invite: [BOB], is_direct: true })).status,
    ).toBe(200);
    const [input] = asked();
    expect(input).toMatchObject({
      roomVersion: '12',
      creator: ALICE,
      preset: 'public_chat',
      inDirectory: false,
      name: 'n',
      topic: 't',
      isDirect: true,
      invite: [{ userId: BOB, profile: { displayname: 'Bob' } }],
      createEvent: { type: 'm.room.create', state_key: '', content: { room_version: '12' } },
    });
    const { hashes, ...draft } = input?.['createEvent'] as unknown as EventDraft & { hashes: unknown };
    const { event } = rehash(draft);
    expect({ roomId: event.roomId, hashes: event.pdu.hashes }).toEqual({ roomId: input?.['roomId'], hashes });
  });

  it('makes different rooms of the same request', async () => {
    await Promise.all([create({}), create({}), create({})]);
    expect(new Set(asked().map((input) => input['roomId'])).size).toBe(3);
  });

  it('names the creator in version 10 and makes a room id of this server', async () => {
    await create({ room_version: '10', visibility: 'public' });
    expect(asked()).toMatchObject([
      {
        roomId: expect.stringMatching(/^![A-Za-z0-9_-]{24}:hs1$/),
        preset: 'public_chat',
        inDirectory: true,
        createEvent: { content: { room_version: '10', creator: ALICE } },
      },
    ]);
  });

  it('keeps creation_content but for what the server sets', async () => {
    await create({
      creation_content: { room_version: '9', creator: BOB, 'm.federate': false, type: 'm.space' },
    });
    expect((asked()[0]?.['createEvent'] as JsonObject)['content']).toEqual({
      'm.federate': false,
      type: 'm.space',
      room_version: '12',
    });
  });

  it('makes those whom a trusted chat invites creators, once each', async () => {
    await create({
      preset: 'trusted_private_chat',
      invite: [BOB, CAROL],
      creation_content: { additional_creators: [CAROL, ALICE, '@dan:other'] },
    });
    expect((asked()[0]?.['createEvent'] as JsonObject)['content']).toMatchObject({
      additional_creators: [CAROL, '@dan:other', BOB],
    });
  });

  it.each<[string, JsonObject, string]>([
    ['an unknown version', { room_version: 'x' }, 'M_UNSUPPORTED_ROOM_VERSION'],
    ['a number for a version', { room_version: 12 }, 'M_BAD_JSON'],
    ['an invite that is no user id', { invite: ['bob'] }, 'M_BAD_JSON'],
    ['a preset that is none', { preset: 'x' }, 'M_BAD_JSON'],
    [
      'additional creators that are none',
      { creation_content: { additional_creators: ['bob'] } },
      'M_BAD_JSON',
    ],
    ['levels of creators', { power_level_content_override: { users: { [ALICE]: 100 } } }, 'M_BAD_JSON'],
    ['levels that are no numbers', { power_level_content_override: { ban: '50' } }, 'M_BAD_JSON'],
    ['a float in the create event', { creation_content: { x: 1.5 } }, 'M_BAD_JSON'],
    ['an alias with a colon', { room_alias_name: 'a:b' }, 'M_INVALID_PARAM'],
    ['an alias that is too long', { room_alias_name: 'a'.repeat(255) }, 'M_INVALID_PARAM'],
    ['an e-mail invite', { invite_3pid: [{ medium: 'email' }] }, 'M_SERVER_NOT_TRUSTED'],
  ])('refuses %s', async (_name, body, errcode) => {
    expect(await create(body)).toEqual(error(400, errcode));
    expect(asked()).toEqual([]);
  });

  it('refuses an alias that is taken', async () => {
    await app.call(ALICE, 'PUT', `directory/room/${encodeURIComponent('#taken:hs1')}`, {
      room_id: room.roomId,
    });
    expect(await create({ room_alias_name: 'taken' })).toEqual(error(400, 'M_ROOM_IN_USE'));
    await create({ room_alias_name: 'frei 🐙'.replace(' ', '_') });
    expect(asked()).toMatchObject([{ alias: '#frei_🐙:hs1' }]);
  });

  it('tries again with another create event when the room exists by chance', async () => {
    app.commands.answer = () => {
      if (app.commands.asked.length === 1) throw new MatrixError(409, ROOM_EXISTS, 'exists');
      return { roomId: '!new' };
    };
    expect((await create({})).body).toEqual({ room_id: '!new' });
    expect(new Set(asked().map((input) => input['roomId'])).size).toBe(2);
    app.commands.answer = () => {
      throw new MatrixError(409, ROOM_EXISTS, 'exists');
    };
    expect((await create({})).body['errcode']).toBe('M_LIMIT_EXCEEDED');
  });

  it('calls an initial state that the rules refuse invalid', async () => {
    app.commands.answer = () => {
      throw forbidden('no');
    };
    expect(await create({ name: 'x' })).toEqual(error(400, 'M_INVALID_ROOM_STATE'));
  });

  it('tells that somebody takes no invites', async () => {
    app.commands.answer = () => {
      throw new MatrixError(403, 'M_INVITE_BLOCKED', 'no');
    };
    expect(await create({ invite: [BOB] })).toEqual(error(403, 'M_INVITE_BLOCKED'));
  });
});

describe('sending', () => {
  const path = (rest: string) => `rooms/!write:hs1/${rest}`;

  it('is one transaction for one device, path and id', async () => {
    const send = (rest: string) => app.call(ALICE, 'PUT', path(rest), { body: 'x' });
    for (const rest of ['send/m.x/1', 'send/m.x/1', 'send/m.y/1', 'send/m.x/2', 'redact/$e/1'])
      await send(rest);
    const keys = app.commands.asked.map(({ idempotencyKey }) => idempotencyKey);
    expect(keys[1]).toBe(keys[0]);
    expect(new Set(keys).size).toBe(4);
    expect(asked()[0]).toMatchObject({
      roomId: room.roomId,
      sender: ALICE,
      type: 'm.x',
      content: { body: 'x' },
      transaction: { deviceId: 'PHONE', id: '1' },
    });
    expect(asked()[4]).toMatchObject({ type: 'm.room.redaction', redacts: '$e' });
  });

  it('refuses what is no object, and what no event can hold', async () => {
    expect(await app.call(ALICE, 'PUT', path('send/m.x/1'), 'text')).toEqual(error(400, 'M_BAD_JSON'));
    expect(await app.call(ALICE, 'PUT', path('state/m.x'), ['list'])).toEqual(error(400, 'M_BAD_JSON'));
    const body = { body: 'x'.repeat(65_536) };
    expect(await app.call(ALICE, 'PUT', path('send/m.x/1'), body)).toEqual(error(413, 'M_TOO_LARGE'));
    expect(await app.call(ALICE, 'PUT', path('state/m.x/'), body)).toEqual(error(413, 'M_TOO_LARGE'));
    expect(await app.call(ALICE, 'PUT', path(`send/m.x/${'t'.repeat(256)}`), {})).toEqual(
      error(400, 'M_INVALID_PARAM'),
    );
    expect(asked()).toEqual([]);
  });

  it('takes the empty state key with and without a slash', async () => {
    for (const rest of ['state/m.x', 'state/m.x/', 'state/m.x/key'])
      await app.call(ALICE, 'PUT', path(rest), {});
    expect(asked().map((input) => input['stateKey'])).toEqual(['', '', 'key']);
  });

  it('joins by state event like any join, and answers the event that is there', async () => {
    app.commands.answer = () => ({ eventId: null });
    const member = encodeURIComponent(ALICE);
    const { body } = await app.call(ALICE, 'PUT', path(`state/m.room.member/${member}`), {
      membership: 'join',
    });
    expect(body).toEqual({ event_id: '$event2' });
    expect(asked()).toMatchObject([{ action: 'join', target: ALICE }]);
  });

  it('refuses power levels for creators', async () => {
    const put = (users: JsonObject) => app.call(ALICE, 'PUT', path('state/m.room.power_levels'), { users });
    expect(await put({ [ALICE]: 100 })).toEqual(error(400, 'M_BAD_JSON'));
    expect(await put({ [CAROL]: 100 })).toEqual(error(400, 'M_BAD_JSON'));
    expect((await put({ [BOB]: 100 })).status).toBe(200);
  });
});

describe('memberships', () => {
  const post = (user: typeof ALICE, rest: string, body?: JsonObject) => app.call(user, 'POST', rest, body);

  it('become commands', async () => {
    const target = { user_id: BOB, reason: 'why' };
    for (const action of ['invite', 'kick', 'ban', 'unban'])
      await post(ALICE, `rooms/!write:hs1/${action}`, target);
    await post(ALICE, 'rooms/!write:hs1/leave');
    expect(asked().map(({ action, target: who, reason }) => [action, who, reason])).toEqual([
      ['invite', BOB, 'why'],
      ['kick', BOB, 'why'],
      ['ban', BOB, 'why'],
      ['unban', BOB, 'why'],
      ['leave', ALICE, undefined],
    ]);
    expect(asked()[0]?.['content']).toEqual({ displayname: 'Bob' });
  });

  it('join by id and alias, with custom content, and do nothing for who is in', async () => {
    await app.call(ALICE, 'PUT', 'directory/room/%23joinme:hs1', { room_id: room.roomId });
    expect((await post(CAROL, 'join/%23joinme:hs1', { custom: 1, reason: 'r' })).body).toEqual({
      room_id: room.roomId,
    });
    expect((await post(BOB, 'rooms/!write:hs1/join')).body).toEqual({ room_id: room.roomId });
    expect(asked()).toMatchObject([{ action: 'join', target: CAROL, reason: 'r', content: { custom: 1 } }]);
    expect(await post(CAROL, 'join/%23nowhere:hs1')).toEqual(error(404, 'M_NOT_FOUND'));
    expect(await post(CAROL, 'join/%23joinme:elsewhere')).toEqual(error(404, 'M_NOT_FOUND'));
    expect(await post(CAROL, 'join/nothing')).toEqual(error(400, 'M_INVALID_PARAM'));
  });

  it('knock with the profile', async () => {
    await post(BOB, 'knock/!write:hs1', { reason: 'let me in' });
    expect(asked()).toMatchObject([
      { action: 'knock', target: BOB, reason: 'let me in', content: { displayname: 'Bob' } },
    ]);
  });

  it('refuse malformed targets and e-mail addresses', async () => {
    expect(await post(ALICE, 'rooms/!write:hs1/kick', { user_id: 'bob' })).toEqual(error(400, 'M_BAD_JSON'));
    const threepid = { id_server: 'x', id_access_token: 'y', medium: 'email', address: 'a@b' };
    expect(await post(ALICE, 'rooms/!write:hs1/invite', threepid)).toEqual(
      error(400, 'M_SERVER_NOT_TRUSTED'),
    );
    expect(await post(ALICE, 'rooms/!write:hs1/invite', {})).toEqual(error(400, 'M_BAD_JSON'));
  });

  it('forget only what was left', async () => {
    expect(await post(ALICE, 'rooms/!write:hs1/forget')).toEqual(error(400, 'M_UNKNOWN'));
    const left = await RoomRows.create(app.database, { roomId: '!left:hs1' as RoomId });
    await left.member(BOB, 'join');
    await left.member(BOB, 'leave');
    expect((await app.call(BOB, 'GET', 'rooms/!left:hs1/state')).status).toBe(200);
    expect((await post(BOB, 'rooms/!left:hs1/forget')).status).toBe(200);
    expect((await app.call(BOB, 'GET', 'rooms/!left:hs1/state')).status).toBe(403);
  });
});

describe('aliases', () => {
  const url = (alias: string) => `directory/room/${encodeURIComponent(alias)}`;

  it('are made by members, once, and found by everybody', async () => {
    const put = (user: typeof ALICE, alias: string) =>
      app.call(user, 'PUT', url(alias), { room_id: room.roomId });
    expect((await put(BOB, '#🐙/x:hs1')).status).toBe(200);
    expect(await put(ALICE, '#🐙/x:hs1')).toEqual(error(409, 'M_UNKNOWN'));
    expect(await put(CAROL, '#carol:hs1')).toEqual(error(403, 'M_FORBIDDEN'));
    expect(await put(BOB, '#x:elsewhere')).toEqual(error(400, 'M_INVALID_PARAM'));
    expect(await put(BOB, 'x')).toEqual(error(400, 'M_INVALID_PARAM'));
    expect((await app.call(undefined, 'GET', url('#🐙/x:hs1'))).body).toEqual({
      room_id: room.roomId,
      servers: ['hs1'],
    });
    expect(await app.call(undefined, 'GET', url('#none:hs1'))).toEqual(error(404, 'M_NOT_FOUND'));
    expect((await app.call(BOB, 'GET', 'rooms/!write:hs1/aliases')).body['aliases']).toContain('#🐙/x:hs1');
  });

  it('are removed by their makers and by those who set the canonical alias, who take it out of there', async () => {
    await app.call(BOB, 'PUT', url('#mine:hs1'), { room_id: room.roomId });
    await app.call(ALICE, 'PUT', url('#hers:hs1'), { room_id: room.roomId });
    await room.state('m.room.canonical_alias', ALICE, { alias: '#mine:hs1', alt_aliases: ['#hers:hs1'] });
    expect(await app.call(BOB, 'DELETE', url('#hers:hs1'))).toEqual(error(403, 'M_FORBIDDEN'));
    expect(await app.call(BOB, 'DELETE', url('#none:hs1'))).toEqual(error(404, 'M_NOT_FOUND'));
    expect((await app.call(ALICE, 'DELETE', url('#mine:hs1'))).status).toBe(200);
    expect(asked()).toMatchObject([
      {
        type: 'm.room.canonical_alias',
        stateKey: '',
        content: { alt_aliases: ['#hers:hs1'] },
        sender: ALICE,
      },
    ]);
    expect(await app.call(undefined, 'GET', url('#mine:hs1'))).toEqual(error(404, 'M_NOT_FOUND'));
  });

  it('that a maker may not take out of the canonical alias are removed all the same', async () => {
    await app.call(BOB, 'PUT', url('#bob:hs1'), { room_id: room.roomId });
    await room.state('m.room.canonical_alias', ALICE, { alias: '#bob:hs1' });
    app.commands.answer = () => {
      throw forbidden('no');
    };
    expect((await app.call(BOB, 'DELETE', url('#bob:hs1'))).status).toBe(200);
    expect(await app.call(undefined, 'GET', url('#bob:hs1'))).toEqual(error(404, 'M_NOT_FOUND'));
  });

  it('that a canonical alias adds must lead to the room', async () => {
    const other = await RoomRows.create(app.database, { roomId: '!other:hs1' as RoomId });
    await other.member(ALICE, 'join');
    await app.call(ALICE, 'PUT', url('#other:hs1'), { room_id: other.roomId });
    await app.call(ALICE, 'PUT', url('#good:hs1'), { room_id: room.roomId });
    await room.state('m.room.canonical_alias', ALICE, { alias: '#gone:hs1' });
    const put = (content: JsonObject) =>
      app.call(ALICE, 'PUT', 'rooms/!write:hs1/state/m.room.canonical_alias', content);
    expect(await put({ alias: '#missing:hs1' })).toEqual(error(400, 'M_BAD_ALIAS'));
    expect(await put({ alias: '#good:hs1', alt_aliases: ['#other:hs1'] })).toEqual(error(400, 'M_BAD_ALIAS'));
    expect(await put({ alias: '%x:hs1' })).toEqual(error(400, 'M_INVALID_PARAM'));
    expect(await put({ alt_aliases: [7] })).toEqual(error(400, 'M_INVALID_PARAM'));
    expect(await put({ alt_aliases: { bad: 1 } })).toEqual(error(400, 'M_INVALID_PARAM'));
    expect((await put({ alias: '#good:hs1', alt_aliases: ['#gone:hs1'] })).status).toBe(200);
    expect((await put({ alias: null })).status).toBe(200);
  });
});

describe('the room directory', () => {
  it('is changed by those who may set the canonical alias, and read by everybody', async () => {
    const url = 'directory/list/room/!write:hs1';
    expect((await app.call(undefined, 'GET', url)).body).toEqual({ visibility: 'private' });
    expect(await app.call(BOB, 'PUT', url, {})).toEqual(error(403, 'M_FORBIDDEN'));
    expect((await app.call(ALICE, 'PUT', url, {})).status).toBe(200);
    expect((await app.call(undefined, 'GET', url)).body).toEqual({ visibility: 'public' });
    expect(await app.call(undefined, 'GET', 'directory/list/room/!none:hs1')).toEqual(
      error(404, 'M_NOT_FOUND'),
    );
  });

  it('pages both ways', async () => {
    for (const name of ['eins', 'zwei']) {
      const published = await RoomRows.create(app.database, {
        roomId: `!${name}:hs1` as RoomId,
        inDirectory: true,
      });
      await published.member(ALICE, 'join');
      await published.state('m.room.name', ALICE, { name });
    }
    const first = await app.call(undefined, 'GET', 'publicRooms?limit=2');
    expect(first.body).toMatchObject({ total_room_count_estimate: 3, next_batch: 'p2' });
    expect(first.body).not.toHaveProperty('prev_batch');
    const last = await app.call(undefined, 'GET', 'publicRooms?limit=2&since=p2');
    expect(last.body).toMatchObject({
      chunk: [{ name: 'zwei', world_readable: false, guest_can_join: false }],
      prev_batch: 'p0',
    });
    expect(last.body).not.toHaveProperty('next_batch');
    const found = await app.call(BOB, 'POST', 'publicRooms', { filter: { generic_search_term: 'EINS' } });
    expect(found.body['chunk']).toMatchObject([{ room_id: '!eins:hs1', num_joined_members: 1 }]);
    expect(await app.call(undefined, 'GET', 'publicRooms?since=x')).toEqual(error(400, 'M_INVALID_PARAM'));
    expect(await app.call(undefined, 'GET', 'publicRooms?server=elsewhere')).toEqual(
      error(404, 'M_NOT_FOUND'),
    );
  });
});

function rehash(draft: EventDraft): HashedEvent {
  const rules = rulesOf('12');
  if (rules === undefined) throw new Error('version 12 is known');
  return hashDraft(draft, rules);
}
