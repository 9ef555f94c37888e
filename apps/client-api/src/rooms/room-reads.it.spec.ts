import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { RoomRows, type PlacedRow } from '@atoll/database/testing';
import { ForgottenRoomTransactor, pointAt } from '@atoll/database';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { tokenOf } from './access/pagination-token.js';
import { ALICE, BOB, CAROL, type RoomsApp, startRoomsApp } from './rooms-app.spec-support.js';

const forbidden = { status: 403, body: expect.objectContaining({ errcode: 'M_FORBIDDEN' }) };
const notFound = { status: 404, body: expect.objectContaining({ errcode: 'M_NOT_FOUND' }) };
const bodies = (answer: { body: JsonObject }, key = 'chunk') =>
  (answer.body[key] as JsonObject[]).map(
    (event) => (event['content'] as JsonObject)['body'] ?? event['type'],
  );
const tokenIn = (answer: { body: JsonObject }, key: string) => answer.body[key] as string;

describe('reading a room', () => {
  let app: RoomsApp;
  let room: RoomRows;
  const at: Record<string, PlacedRow> = {};
  const path = (rest: string) => `rooms/${encodeURIComponent(room.roomId)}/${rest}`;
  const eventPath = (name: string, kind = 'event') =>
    path(`${kind}/${encodeURIComponent(at[name]?.eventId ?? '')}`);

  beforeAll(async () => {
    app = await startRoomsApp();
    room = await RoomRows.create(app.database, { roomId: '!read:hs1' as RoomId });
    at['create'] = await room.state('m.room.create', ALICE, {});
    at['alice'] = await room.member(ALICE, 'join', ALICE, { displayname: 'Alice' });
    await room.state('m.room.history_visibility', ALICE, { history_visibility: 'joined' });
    at['hidden'] = await room.message(ALICE, 'before bob');
    at['bob joins'] = await room.member(BOB, 'join');
    for (const n of [1, 2, 3]) at[`m${n}`] = await room.message(ALICE, `m${n}`);
    at['sent by bob'] = await room.event({
      type: 'm.room.message',
      sender: BOB,
      content: { body: 'from bob' },
      transaction: { deviceId: 'PHONE', scope: 'x', id: 'txn' },
    });
    await room.state('m.room.name', ALICE, { name: 'as bob knew it' });
    at['bob leaves'] = await room.member(BOB, 'leave');
    await room.state('m.room.name', ALICE, { name: 'new' });
    at['after'] = await room.message(ALICE, 'after bob');
  });

  afterAll(() => app.stop());

  it('tells strangers nothing, and no more of rooms that do not exist', async () => {
    for (const rest of [
      'messages?dir=b',
      'state',
      'members',
      'joined_members',
      'aliases',
      'state/m.room.name',
    ]) {
      expect(await app.call(CAROL, 'GET', path(rest))).toEqual(forbidden);
      expect(await app.call(CAROL, 'GET', `rooms/!none:hs1/${rest}`)).toEqual(forbidden);
    }
    expect(await app.call(CAROL, 'GET', eventPath('m1'))).toEqual(notFound);
    expect(await app.call(CAROL, 'GET', eventPath('m1', 'context'))).toEqual(forbidden);
  });

  it('pages back to the start of the room, where there is no end', async () => {
    const first = await app.call(ALICE, 'GET', path('messages?dir=b&limit=3'));
    expect(bodies(first)).toEqual(['after bob', 'm.room.name', 'm.room.member']);
    const rest = await app.call(ALICE, 'GET', path(`messages?dir=b&limit=100&from=${tokenIn(first, 'end')}`));
    expect(bodies(rest).slice(0, 2)).toEqual(['m.room.name', 'from bob']);
    expect(bodies(rest).at(-1)).toBe('m.room.create');
    expect(rest.body).not.toHaveProperty('end');
  });

  it('pages forward from a token, up to another', async () => {
    const [from, to] = ['bob joins', 'm2'].map((name) => tokenOf(pointAt(at[name]?.position ?? 0)));
    const page = await app.call(ALICE, 'GET', path(`messages?dir=f&from=${from ?? ''}&to=${to ?? ''}`));
    expect(bodies(page)).toEqual(['m1', 'm2']);
    expect(page.body['start']).toBe(from);
  });

  it('filters, and reads on until the page is full', async () => {
    const filter = encodeURIComponent(JSON.stringify({ types: ['m.room.create'] }));
    const page = await app.call(ALICE, 'GET', path(`messages?dir=b&limit=1&filter=${filter}`));
    expect(bodies(page)).toEqual(['m.room.create']);
  });

  it('gives lazy-loading clients exactly the members who sent the page', async () => {
    const filter = encodeURIComponent(JSON.stringify({ lazy_load_members: true, types: ['m.room.message'] }));
    const page = await app.call(BOB, 'GET', path(`messages?dir=b&limit=1&filter=${filter}`));
    expect(bodies(page)).toEqual(['from bob']);
    expect(page.body['state']).toEqual([expect.objectContaining({ type: 'm.room.member', state_key: BOB })]);
  });

  it('shows who left the room as it was then, and nothing from before he joined', async () => {
    const page = await app.call(BOB, 'GET', path('messages?dir=b&limit=100'));
    const seen = bodies(page);
    expect(seen.slice(0, 3)).toEqual(['m.room.member', 'm.room.name', 'from bob']);
    expect(seen).not.toContain('after bob');
    expect(seen).not.toContain('before bob');
    const forward = await app.call(
      BOB,
      'GET',
      path(`messages?dir=f&from=${tokenOf(pointAt(at['bob leaves']?.position ?? 0))}`),
    );
    expect(bodies(forward)).toEqual([]);
    expect((await app.call(BOB, 'GET', path('state/m.room.name'))).body).toEqual({ name: 'as bob knew it' });
    expect((await app.call(BOB, 'GET', path('state/m.room.name/'))).body).toEqual({ name: 'as bob knew it' });
    expect((await app.call(ALICE, 'GET', path('state/m.room.name/'))).body).toEqual({ name: 'new' });
    expect((await app.call(BOB, 'GET', path('members?membership=leave'))).body).toEqual({
      chunk: [expect.objectContaining({ state_key: BOB, room_id: room.roomId })],
    });
    expect(await app.call(BOB, 'GET', path('joined_members'))).toEqual(forbidden);
    expect(await app.call(BOB, 'GET', eventPath('after'))).toEqual(notFound);
    expect(await app.call(BOB, 'GET', eventPath('hidden'))).toEqual(notFound);
    expect(await app.call(BOB, 'GET', eventPath('hidden', 'context'))).toEqual(notFound);
  });

  it('gives an event with what only its sender and its viewer may know', async () => {
    const { body } = await app.call(BOB, 'GET', eventPath('sent by bob'));
    expect(body).toMatchObject({
      room_id: room.roomId,
      unsigned: { transaction_id: 'txn', membership: 'join' },
    });
    const other = await app.call(ALICE, 'GET', eventPath('sent by bob'));
    expect(other.body['unsigned']).not.toHaveProperty('transaction_id');
  });

  it('gives state events what they replaced, where that may be seen', async () => {
    const { body } = await app.call(BOB, 'GET', eventPath('bob leaves'));
    expect(body['unsigned']).toMatchObject({
      membership: 'leave',
      replaces_state: at['bob joins']?.eventId,
      prev_content: { membership: 'join' },
      prev_sender: BOB,
    });
  });

  it('lists members at a point, by membership', async () => {
    const memberIds = async (query: string) =>
      ((await app.call(ALICE, 'GET', path(`members?${query}`))).body['chunk'] as JsonObject[]).map(
        (e) => e['state_key'],
      );
    const point = tokenOf(pointAt(at['m1']?.position ?? 0));
    expect(await memberIds(`at=${point}&membership=join`)).toEqual([ALICE, BOB]);
    expect(await memberIds('not_membership=leave')).toEqual([ALICE]);
    expect(await memberIds('membership=leave&not_membership=leave')).toEqual(
      expect.arrayContaining([ALICE, BOB]),
    );
    expect(await app.call(ALICE, 'GET', path('members?membership=gone'))).toMatchObject({ status: 400 });
  });

  it('lists no members at a point that the user may not see', async () => {
    const membersAt = (user: UserId, name: string) =>
      app.call(user, 'GET', path(`members?at=${tokenOf(pointAt(at[name]?.position ?? 0))}`));
    expect(await membersAt(BOB, 'hidden')).toEqual(forbidden);
    expect((await membersAt(BOB, 'm1')).status).toBe(200);
    const later = (await membersAt(BOB, 'after')).body['chunk'] as JsonObject[];
    expect(later.map(({ state_key, content }) => [state_key, content])).toContainEqual([
      BOB,
      { membership: 'leave' },
    ]);
  });

  it('lists joined members with both profile keys, and joined rooms', async () => {
    expect((await app.call(ALICE, 'GET', path('joined_members'))).body).toEqual({
      joined: { [ALICE]: { display_name: 'Alice', avatar_url: null } },
    });
    expect((await app.call(ALICE, 'GET', 'joined_rooms')).body).toEqual({ joined_rooms: [room.roomId] });
    expect((await app.call(BOB, 'GET', 'joined_rooms')).body).toEqual({ joined_rooms: [] });
  });

  it('gives the context of an event, with tokens that go on from it', async () => {
    const { body } = await app.call(ALICE, 'GET', eventPath('m2', 'context') + '?limit=2');
    expect(bodies({ body }, 'events_before')).toEqual(['m1']);
    expect(bodies({ body }, 'events_after')).toEqual(['m3']);
    expect((body['state'] as JsonObject[]).map((event) => event['type'])).not.toContain('m.room.name');
    const back = await app.call(
      ALICE,
      'GET',
      path(`messages?dir=b&limit=1&from=${tokenIn({ body }, 'start')}`),
    );
    expect(bodies(back)).toEqual(['m.room.member']);
    const on = await app.call(ALICE, 'GET', path(`messages?dir=f&limit=1&from=${tokenIn({ body }, 'end')}`));
    expect(bodies(on)).toEqual(['from bob']);
  });

  it('gives whole state events on request, and 404 for state that is not there', async () => {
    expect((await app.call(ALICE, 'GET', path('state/m.room.create?format=event'))).body).toMatchObject({
      type: 'm.room.create',
      room_id: room.roomId,
      event_id: at['create']?.eventId,
    });
    expect(await app.call(ALICE, 'GET', path('state/m.room.topic'))).toEqual(notFound);
  });

  it.each([
    ['messages', 'M_MISSING_PARAM'],
    ['messages?dir=x', 'M_INVALID_PARAM'],
    ['messages?dir=b&from=nonsense', 'M_INVALID_PARAM'],
    ['messages?dir=b&limit=many', 'M_INVALID_PARAM'],
    ['messages?dir=b&filter=%7B%22types%22%3A1%7D', 'M_INVALID_PARAM'],
    ['messages?dir=b&filter=%7B', 'M_INVALID_PARAM'],
  ])('%s is %s', async (rest, errcode) => {
    expect(await app.call(ALICE, 'GET', path(rest))).toMatchObject({ status: 400, body: { errcode } });
  });

  it('opens a world-readable room to everybody, from where it became so', async () => {
    const open = await RoomRows.create(app.database, { roomId: '!open:hs1' as RoomId });
    await open.member(ALICE, 'join');
    await open.message(ALICE, 'closed');
    await open.state('m.room.history_visibility', ALICE, { history_visibility: 'world_readable' });
    await open.message(ALICE, 'open');
    const page = await app.call(CAROL, 'GET', `rooms/!open:hs1/messages?dir=b&limit=10`);
    expect(bodies(page)).toEqual(['open', 'm.room.history_visibility']);
    expect(await app.call(CAROL, 'GET', 'rooms/!open:hs1/aliases')).toEqual({
      status: 200,
      body: { aliases: [] },
    });
    expect(await app.call(CAROL, 'GET', 'rooms/!open:hs1/joined_members')).toEqual(forbidden);
  });

  it('gives the invited and those who rejected nothing of the room', async () => {
    const closed = await RoomRows.create(app.database, { roomId: '!invited:hs1' as RoomId });
    await closed.member(ALICE, 'join');
    await closed.member(BOB, 'invite', ALICE);
    expect(await app.call(BOB, 'GET', 'rooms/!invited:hs1/state')).toEqual(forbidden);
    await closed.member(BOB, 'leave');
    expect(await app.call(BOB, 'GET', 'rooms/!invited:hs1/state')).toEqual(forbidden);
  });

  it('gives nothing of a forgotten room', async () => {
    await new ForgottenRoomTransactor(app.database).forget(BOB, room.roomNid);
    expect(await app.call(BOB, 'GET', path('messages?dir=b'))).toEqual(forbidden);
    expect(await app.call(BOB, 'GET', eventPath('m1'))).toEqual(notFound);
  });
});
