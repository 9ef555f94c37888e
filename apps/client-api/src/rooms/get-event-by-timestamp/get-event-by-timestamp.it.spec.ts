import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BackfillRoom } from '@atoll/contract';
import { EMPTY_STATE_KEY_NID, EVENT_TYPE_NIDS } from '@atoll/database';
import { type PlacedRow, RoomRows } from '@atoll/database/testing';
import { type EventId, overloaded, type RoomId, type UserId } from '@atoll/matrix';
import { ALICE, answered, BOB, refused, type RoomsApp, startRoomsApp } from '../rooms-app.spec-support.js';

const DAN = '@dan:hs2' as UserId;

let app: RoomsApp;
let room: RoomRows;
let rooms = 0;

beforeAll(async () => {
  app = await startRoomsApp();
});
beforeEach(async () => {
  app.commands.asked.length = 0;
  app.servers.asked.length = 0;
  app.servers.answer = () => refused(404);
  app.commands.answer = () => ({ added: 0 });
  room = await RoomRows.create(app.database, { roomId: `!timed${rooms++}:hs1` as RoomId });
});
afterAll(() => app.stop());

const ask = (ts: number | string, dir: string, user = ALICE) =>
  app.call(
    user,
    'GET',
    `/_matrix/client/v1/rooms/${encodeURIComponent(room.roomId)}/timestamp_to_event?ts=${ts}&dir=${dir}`,
  );
const found = async (ts: number, dir: string, user = ALICE) => (await ask(ts, dir, user)).body['event_id'];
const error = (status: number, errcode: string) => ({ status, body: { errcode, error: expect.any(String) } });
const none = error(404, 'M_NOT_FOUND');

async function timed({ eventNid }: PlacedRow, ts: number, depth = ts): Promise<void> {
  await app.database.db
    .updateTable('events')
    .set({ origin_server_ts: ts, depth })
    .where('event_nid', '=', eventNid)
    .execute();
}

async function said(ts: number, depth?: number): Promise<PlacedRow> {
  const event = await room.message(DAN, `at ${ts}`);
  await timed(event, ts, depth);
  return event;
}

describe('what is here', () => {
  it('is found in both directions, of several of one time by their place in the room', async () => {
    const join = await room.member(ALICE, 'join');
    await timed(join, 100);
    const late = await said(200, 12);
    const early = await said(200, 11);
    expect(await ask(150, 'f')).toEqual({
      status: 200,
      body: { event_id: early.eventId, origin_server_ts: 200 },
    });
    expect(await found(200, 'b')).toBe(late.eventId);
    expect(await found(199, 'b')).toBe(join.eventId);
    expect(await found(-5, 'f')).toBe(join.eventId);
    expect(await ask(99, 'b')).toEqual(none);
    expect(await ask(201, 'f')).toEqual(none);
    expect(app.servers.asked).toEqual([]);
  });

  it('is for members', async () => {
    await room.member(ALICE, 'join');
    expect(await ask(0, 'f', BOB)).toEqual(error(403, 'M_FORBIDDEN'));
    await room.state('m.room.history_visibility', ALICE, { history_visibility: 'world_readable' });
    expect((await ask(0, 'f', BOB)).status).toBe(200);
  });

  it('is what the user may see', async () => {
    const visibility = await room.state('m.room.history_visibility', DAN, { history_visibility: 'joined' });
    await timed(visibility, 1);
    for (let ts = 2; ts < 60; ts++) await said(ts);
    const join = await room.member(ALICE, 'join');
    await timed(join, 100);
    const seen = await said(110);
    await timed(await room.member(ALICE, 'leave'), 120);
    await said(130);
    expect(await found(2, 'f')).toBe(join.eventId);
    expect(await found(59, 'b')).toBe(visibility.eventId);
    expect(await found(119, 'b')).toBe(seen.eventId);
    expect(await ask(121, 'f')).toEqual(none);
  });

  it.each(['ts=x&dir=f', 'ts=1&dir=x', 'dir=f', 'ts=1'])('is not found by %s', async (query) => {
    const path = `/_matrix/client/v1/rooms/${encodeURIComponent(room.roomId)}/timestamp_to_event?${query}`;
    expect(await app.call(ALICE, 'GET', path)).toMatchObject({ status: 400 });
  });
});

describe('what only other servers have', () => {
  let join: PlacedRow;
  beforeEach(async () => {
    await room.member(DAN, 'join').then((event) => timed(event, 1000, 1000));
    join = await room.member(ALICE, 'join');
    await timed(join, 1010);
    await app.database.db
      .insertInto('backward_extremities')
      .values({ room_nid: room.roomNid, event_id: '$missing' as EventId, depth: 1000 })
      .execute();
  });

  /** room-state that brings events of these times, some at each request. */
  const hasHistory = (...pages: number[][]) => {
    const brought: PlacedRow[] = [];
    app.commands.answer = async () => {
      const page = pages.shift() ?? [];
      for (const ts of page) {
        const event = await room.event({
          ...{ type: 'm.room.message', sender: DAN, content: {}, backfilled: true },
          fork: {
            basePosition: 0,
            overrides: [[EVENT_TYPE_NIDS['m.room.history_visibility'], EMPTY_STATE_KEY_NID, null]],
          },
        });
        await timed(event, ts);
        brought.push(event);
      }
      return { added: page.length };
    };
    return brought;
  };
  const tells = (event_id: string, origin_server_ts: number) => answered({ event_id, origin_server_ts });

  it('is brought as far as others say that it lies, in either direction', async () => {
    const brought = hasHistory([900, 800], [700, 600], [500]);
    app.servers.answer = () => tells(`$event${'9'.repeat(9)}`, 700);
    expect(await found(650, 'f')).toBe(brought[2]?.eventId);
    expect(app.servers.asked).toMatchObject([
      {
        server: 'hs2',
        path: `/_matrix/federation/v1/timestamp_to_event/${encodeURIComponent(room.roomId)}?ts=650&dir=f`,
      },
    ]);
    expect(app.commands.asked[0]).toMatchObject({
      pattern: BackfillRoom.pattern,
      input: { roomId: room.roomId, limit: 100 },
    });
    expect(await found(899, 'b')).toBe(brought[1]?.eventId);
  });

  it('is brought no further than needed', async () => {
    const brought = hasHistory([900], [800], [700]);
    const told = `$${'t'.repeat(43)}` as EventId;
    const answer = app.commands.answer;
    app.commands.answer = async (pattern, input) => {
      const added = await answer(pattern, input);
      // The id that the other server has told is that of the second event.
      if (brought.length === 2) {
        await app.database.db
          .updateTable('events')
          .set({ event_id: told })
          .where('event_nid', '=', brought[1]?.eventNid ?? 0)
          .execute();
      }
      return added;
    };
    app.servers.answer = () => tells(told, 800);
    expect(await found(750, 'f')).toBe(told);
    expect(app.commands.asked).toHaveLength(2);
  });

  it('is not asked for when what is missing lies before what is here', async () => {
    await found(1005, 'b');
    await found(1005, 'f');
    await found(1020, 'b');
    expect(app.servers.asked).toEqual([]);
  });

  it.each([
    ['nothing', () => refused(404)],
    ['something on the other side', () => tells('$x', 400)],
    ['something farther away', () => tells('$x', 2000)],
    ['nonsense', () => answered({ event_id: 7 })],
  ])('does not count when others tell %s', async (_, answer) => {
    app.servers.answer = answer;
    expect((await ask(500, 'f')).body).toMatchObject({ origin_server_ts: 1000 });
    expect(app.commands.asked).toEqual([]);
  });

  it('does not count when it cannot be brought', async () => {
    app.servers.answer = () => tells('$x', 500);
    expect((await ask(500, 'f')).body).toMatchObject({ origin_server_ts: 1000 });
    expect(await ask(500, 'b')).toEqual(none);
    app.commands.answer = () => {
      throw overloaded(1_000);
    };
    expect(await ask(500, 'b')).toEqual(none);
  });

  it('is looked for where it should lie first, and then farther back', async () => {
    const late = await room.message(DAN, 'late');
    await timed(late, 2000);
    await app.database.db
      .insertInto('backward_extremities')
      .values({
        room_nid: room.roomNid,
        event_id: '$other' as EventId,
        depth: 2000,
        followed_by_nid: late.eventNid,
      })
      .execute();
    const brought = hasHistory([], [1500]);
    app.servers.answer = () => tells(`$event${'9'.repeat(9)}`, 1500);
    expect(await found(1400, 'f')).toBe(brought[0]?.eventId);
    expect(app.commands.asked.slice(0, 2)).toMatchObject([
      { input: { before: late.position } },
      { input: { before: 0 } },
    ]);
  });

  it('is brought in a bounded number of stretches', async () => {
    hasHistory(...Array.from({ length: 20 }, (_, i) => [900 - i]));
    app.servers.answer = () => tells('$never', 500);
    expect((await ask(500, 'f')).body).toMatchObject({ origin_server_ts: 891 });
    expect(app.commands.asked).toHaveLength(10);
  });

  it('is asked of a few servers, until one has something', async () => {
    for (const server of ['hs3', 'hs4', 'hs5']) await room.member(`@x:${server}` as UserId, 'join');
    app.servers.answer = (server) => (server === 'hs3' ? tells('$x', 500) : refused(404));
    await ask(500, 'f');
    expect(app.servers.asked.map(({ server }) => server)).toEqual(['hs2', 'hs3']);
    app.servers.asked.length = 0;
    app.servers.answer = () => refused(403);
    await ask(500, 'f');
    expect(app.servers.asked.map(({ server }) => server)).toEqual(['hs2', 'hs3', 'hs4']);
  });
});
