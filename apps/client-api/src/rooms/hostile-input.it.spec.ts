import { RoomRows } from '@atoll/database/testing';
import { forbidden, type RoomAlias, type RoomId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ALICE, BOB, CAROL, type RoomsApp, startRoomsApp } from './rooms-app.spec-support.js';

let app: RoomsApp;
beforeAll(async () => {
  app = await startRoomsApp();
  const room = await RoomRows.create(app.database, { roomId: '!hostile:hs1' as RoomId });
  await room.state('m.room.create', ALICE, { additional_creators: [BOB] });
  await room.member(ALICE, 'join');
  await room.state('m.room.canonical_alias', ALICE, { alias: '#secret:hs1' });
});
afterAll(() => app.stop());

const error = (status: number, errcode: string) => ({ status, body: { errcode, error: expect.any(String) } });
const NUL = '%00';
const state = (type: string) => `rooms/!hostile:hs1/state/${type}/`;

describe('text that PostgreSQL cannot hold', () => {
  it.each([
    ['GET', `state/${NUL}`],
    ['GET', `state/${NUL}/`],
    ['GET', `state/m.room.name/a${NUL}`],
    ['GET', `event/$a${NUL}`],
    ['GET', `context/$a${NUL}`],
    ['PUT', `send/a${NUL}/1`],
    ['PUT', `send/a/1${NUL}`],
    ['PUT', `state/a${NUL}`],
    ['PUT', `state/a/b${NUL}`],
    ['PUT', `redact/$a${NUL}/1`],
    ['PUT', `redact/$a/1${NUL}`],
  ] as const)('is refused: %s %s', async (method, path) => {
    const answer = await app.call(
      ALICE,
      method,
      `rooms/!hostile:hs1/${path}`,
      method === 'GET' ? undefined : {},
    );
    expect(answer).toEqual(error(400, 'M_INVALID_PARAM'));
  });

  it.each([{ type: 'a\0' }, { type: 'a', state_key: '\0' }, { type: '\ud800' }])(
    'is refused as initial state: %j',
    async (state) => {
      const body = { initial_state: [{ content: {}, ...state }] };
      expect(await app.call(ALICE, 'POST', 'createRoom', body)).toEqual(error(400, 'M_BAD_JSON'));
    },
  );

  it.each([{ generic_search_term: 'a\0' }, { room_types: ['a\0'] }])(
    'is refused in a search: %j',
    async (filter) => {
      expect(await app.call(ALICE, 'POST', 'publicRooms', { filter })).toEqual(error(400, 'M_BAD_JSON'));
    },
  );

  it.each(['$a\0', 5, null])('is refused as the event to redact: %j', async (redacts) => {
    for (const path of ['send/m.room.redaction/1', 'state/m.room.redaction/1']) {
      const answer = await app.call(ALICE, 'PUT', `rooms/!hostile:hs1/${path}`, { redacts });
      expect(answer).toEqual(error(400, 'M_BAD_JSON'));
    }
  });

  it('reaches no room', () => {
    expect(app.commands.asked).toEqual([]);
  });
});

describe('somebody who is not in the room', () => {
  it.each([
    ['m.room.power_levels', { users: { [BOB]: 1 } }],
    ['m.room.power_levels', { users: { [CAROL]: 1 } }],
    ['m.room.canonical_alias', { alias: '#secret:hs1' }],
    ['m.room.canonical_alias', { alias: '#guess:hs1' }],
  ])('learns nothing of its state by setting %s to %j', async (type, content) => {
    expect(await app.call(CAROL, 'PUT', state(type), content)).toEqual({
      status: 403,
      body: forbidden('You are not in this room').body(),
    });
  });
});

it('gives a room a bounded number of aliases', async () => {
  const { room_nid } = await app.database.db
    .selectFrom('rooms')
    .select('room_nid')
    .where('room_id', '=', '!hostile:hs1' as RoomId)
    .executeTakeFirstOrThrow();
  const rows = Array.from({ length: 499 }, (_, n) => {
    return { alias: `#n${n}:hs1` as RoomAlias, room_nid, creator: ALICE, created_ts: 0 };
  });
  await app.database.db.insertInto('room_aliases').values(rows).execute();
  const add = (alias: string) =>
    app.call(ALICE, 'PUT', `directory/room/%23${alias}:hs1`, { room_id: '!hostile:hs1' });
  expect((await add('last')).status).toBe(200);
  expect(await add('more')).toEqual(error(403, 'M_RESOURCE_LIMIT_EXCEEDED'));
});

it('looks up a bounded number of aliases', async () => {
  const alt_aliases = Array.from({ length: 1000 }, (_, n) => `#alias-${n}:hs1`);
  const answer = await app.call(ALICE, 'PUT', state('m.room.canonical_alias'), { alt_aliases });
  expect(answer).toEqual(error(400, 'M_INVALID_PARAM'));
});
