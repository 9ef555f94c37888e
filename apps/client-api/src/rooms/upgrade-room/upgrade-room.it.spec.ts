import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { RoomRows } from '@atoll/database/testing';
import { forbidden, type JsonObject, overloaded, type RoomId, type UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { ALICE, BOB, CAROL, type RoomsApp, startRoomsApp } from '../rooms-app.spec-support.js';

let app: RoomsApp;
let old: RoomRows;
let rooms = 0;
let answers: Record<string, (input: JsonObject) => JsonObject | Promise<JsonObject>>;

beforeAll(async () => {
  app = await startRoomsApp();
});
afterAll(() => app.stop());

beforeEach(async () => {
  rooms += 1;
  old = await RoomRows.create(app.database, { roomId: `!old${rooms}:hs1` as RoomId, version: '11' });
  await old.state('m.room.create', ALICE, { room_version: '11', type: 'm.space' });
  await old.member(ALICE, 'join');
  await old.member(CAROL, 'ban', ALICE, { reason: 'spam', displayname: 'Carol' });
  await old.state('m.room.power_levels', ALICE, { users: { [ALICE]: 100 } });
  await app.call(ALICE, 'PUT', `directory/room/${encodeURIComponent(`#a${rooms}:hs1`)}`, {
    room_id: old.roomId,
  });
  await old.state('m.room.canonical_alias', ALICE, { alias: `#a${rooms}:hs1` });
  app.commands.asked.length = 0;
  answers = {
    'room.prepare-event': ({ content }) => ({
      eventId: '$tombstone',
      event: { content: content as JsonObject },
    }),
    'room.create': makeRoom,
  };
  app.commands.answer = (pattern, input) => answers[pattern]?.(input) ?? { eventId: '$new' };
});

/** What room-state would have written, as far as it is looked at. */
async function makeRoom({ roomId, roomVersion, creator, createEvent }: JsonObject): Promise<JsonObject> {
  const made = await RoomRows.create(app.database, {
    roomId: roomId as RoomId,
    version: roomVersion as string,
  });
  await made.state('m.room.create', creator as UserId, (createEvent as JsonObject)['content'] as JsonObject);
  await made.member(creator as UserId, 'join');
  return { roomId: roomId as string };
}

const upgrade = (body: JsonObject = { new_version: '11' }, user = ALICE) =>
  app.call(user, 'POST', `rooms/${encodeURIComponent(old.roomId)}/upgrade`, body);
/** What was asked of room-state: the command, or the action or type that it was about. */
const steps = () =>
  app.commands.asked.map(({ pattern, input }) => (input['action'] ?? input['type'] ?? pattern) as string);
const input = (step: string) => app.commands.asked[steps().indexOf(step)]?.input;
const aliasLeadsTo = async () =>
  (await app.call(ALICE, 'GET', `directory/room/${encodeURIComponent(`#a${rooms}:hs1`)}`)).body['room_id'];

describe('POST /rooms/{roomId}/upgrade', () => {
  it('makes the replacement complete before the tombstone, and the rest after it', async () => {
    const { status, body } = await upgrade();
    expect(status).toBe(200);
    expect(steps()).toEqual([
      'm.room.tombstone',
      'room.create',
      'ban',
      'm.room.power_levels',
      'room.send-prepared-event',
      'm.room.canonical_alias',
      'm.room.power_levels',
    ]);
    const roomId = body['replacement_room'];
    expect(input('m.room.tombstone')).toMatchObject({ content: { replacement_room: roomId } });
    expect(input('room.create')).toMatchObject({
      roomId,
      inDirectory: false,
      createEvent: {
        content: { type: 'm.space', predecessor: { room_id: old.roomId, event_id: '$tombstone' } },
      },
      powerLevelContentOverride: { users: { [ALICE]: 101 } },
      initialState: expect.arrayContaining([
        { type: 'm.room.canonical_alias', stateKey: '', content: { alias: `#a${rooms}:hs1` } },
      ]),
    });
    expect(input('ban')).toEqual({
      roomId,
      sender: ALICE,
      target: CAROL,
      action: 'ban',
      reason: 'spam',
      content: {},
    });
    expect(input('m.room.power_levels')).toMatchObject({ roomId, content: { users: { [ALICE]: 100 } } });
    expect(input('room.send-prepared-event')).toMatchObject({ roomId: old.roomId });
    expect(await aliasLeadsTo()).toBe(roomId);
  });

  it('needs no tombstone beforehand where the room id cannot be known', async () => {
    const { body } = await upgrade({ new_version: '12', additional_creators: [BOB, BOB, ALICE] });
    expect(steps()).toEqual([
      'room.create',
      'ban',
      'm.room.power_levels',
      'm.room.tombstone',
      'm.room.canonical_alias',
      'm.room.power_levels',
    ]);
    expect((input('room.create')?.['createEvent'] as JsonObject)['content']).toEqual({
      room_version: '12',
      type: 'm.space',
      predecessor: { room_id: old.roomId },
      additional_creators: [BOB],
    });
    expect(input('m.room.tombstone')).toMatchObject({
      roomId: old.roomId,
      content: { replacement_room: body['replacement_room'] },
    });
  });

  it.each<[string, string]>([
    ['room.prepare-event', '11'],
    ['room.create', '11'],
    ['room.change-membership', '12'],
  ])('leaves the old room as it is when it fails in %s', async (pattern, version) => {
    answers[pattern] = () => {
      throw overloaded(1);
    };
    expect((await upgrade({ new_version: version })).body['errcode']).toBe('M_LIMIT_EXCEEDED');
    const sent = app.commands.asked.filter(({ pattern: one }) => one.startsWith('room.send'));
    expect(sent).toEqual([]);
    expect(await aliasLeadsTo()).toBe(old.roomId);
  });

  it('makes nothing when the tombstone is refused', async () => {
    answers['room.prepare-event'] = () => {
      throw forbidden('no');
    };
    expect((await upgrade()).status).toBe(403);
    expect(steps()).toEqual(['m.room.tombstone']);
  });

  it('is one wish for one state of the old room, whoever asks and for whatever', async () => {
    const keys = () => {
      const created = app.commands.asked.filter(({ pattern }) => pattern === 'room.create');
      return created.map(({ idempotencyKey }) => idempotencyKey);
    };
    await upgrade();
    await upgrade({ new_version: '12' });
    expect(new Set(keys()).size).toBe(1);
    await old.state('m.room.tombstone', ALICE, { replacement_room: '!elsewhere:x' });
    await upgrade();
    expect(new Set(keys()).size).toBe(2);
  });

  it('goes on with the room of the first try, unless that was for something else', async () => {
    const first = (await upgrade({ new_version: '12' })).body['replacement_room'] as string;
    answers['room.create'] = () => ({ roomId: first });
    app.commands.asked.length = 0;
    expect((await upgrade({ new_version: '12' })).body).toEqual({ replacement_room: first });
    expect(input('m.room.tombstone')).toMatchObject({ content: { replacement_room: first } });
    for (const other of [{ new_version: '11' }, { new_version: '12', additional_creators: [BOB] }]) {
      app.commands.asked.length = 0;
      expect(await upgrade(other)).toMatchObject({ status: 400, body: { errcode: 'M_UNKNOWN' } });
      expect(steps()).not.toContain('room.send-prepared-event');
      expect(app.commands.asked.at(-1)?.pattern).toBe('room.create');
    }
  });

  it('does what was left when the old room leads to the replacement already', async () => {
    const first = (await upgrade()).body['replacement_room'] as string;
    await old.state('m.room.tombstone', ALICE, { replacement_room: first });
    app.commands.asked.length = 0;
    expect((await upgrade()).body).toEqual({ replacement_room: first });
    expect(steps()).toEqual(['m.room.canonical_alias', 'm.room.power_levels']);
  });

  it('leaves out what the user may not do in the old room, but not what fails', async () => {
    answers['room.send-event'] = ({ roomId }) => {
      if (roomId === old.roomId) throw forbidden('no');
      return { eventId: '$new' };
    };
    expect((await upgrade()).status).toBe(200);
    answers['room.send-event'] = ({ roomId }) => {
      if (roomId === old.roomId) throw overloaded(1);
      return { eventId: '$new' };
    };
    expect((await upgrade()).body['errcode']).toBe('M_LIMIT_EXCEEDED');
  });

  it('does not begin with more bans than it can carry over', async () => {
    await sql`WITH users AS (INSERT INTO state_keys (state_key)
        SELECT '@spam' || n || ':x' FROM generate_series(1, 20000) n RETURNING state_key_nid)
      INSERT INTO memberships (user_nid, room_nid, membership, event_nid, position)
      SELECT state_key_nid, ${old.roomNid}, 'ban', (SELECT min(event_nid) FROM events), 1 FROM users`.execute(
      app.database.db,
    );
    expect((await upgrade()).body['errcode']).toBe('M_RESOURCE_LIMIT_EXCEEDED');
    expect(app.commands.asked).toEqual([]);
  });

  it('needs a token, a membership, and power', async () => {
    const path = `rooms/${encodeURIComponent(old.roomId)}/upgrade`;
    expect((await app.call(undefined, 'POST', path, { new_version: '11' })).status).toBe(401);
    for (const user of [BOB, CAROL]) expect((await upgrade(undefined, user)).status).toBe(403);
    await old.member(BOB, 'join');
    expect((await upgrade(undefined, BOB)).body['errcode']).toBe('M_FORBIDDEN');
    expect(app.commands.asked).toEqual([]);
  });
});
