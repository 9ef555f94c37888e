import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { BackfillRoom } from '@atoll/contract';
import { EMPTY_STATE_KEY_NID, EVENT_TYPE_NIDS } from '@atoll/database';
import { RoomRows, type PlacedRow } from '@atoll/database/testing';
import { type EventId, type JsonObject, overloaded, type RoomId, type UserId } from '@atoll/matrix';
import { tokenOf } from './access/pagination-token.js';
import { ALICE, BOB, type RoomsApp, startRoomsApp } from './rooms-app.spec-support.js';

const DAN = '@dan:hs2' as UserId;

let app: RoomsApp;
let room: RoomRows;
let rooms = 0;
let visibility: PlacedRow;
let join: PlacedRow;

const path = (rest: string) => `rooms/${encodeURIComponent(room.roomId)}/${rest}`;
const back = (query: string, user = ALICE) => app.call(user, 'GET', path(`messages?dir=b&${query}`));
const told = ({ body }: { body: JsonObject }, key = 'chunk') =>
  (body[key] as JsonObject[]).map((event) => (event['content'] as JsonObject)['body'] ?? event['type']);
const end = ({ body }: { body: JsonObject }) => body['end'] as string;

beforeAll(async () => {
  app = await startRoomsApp();
});
afterAll(() => app.stop());

/** A room as a join by way of another server leaves it. */
beforeEach(async () => {
  app.commands.asked.length = 0;
  app.commands.answer = () => ({ added: 0 });
  room = await RoomRows.create(app.database, { roomId: `!far${rooms++}:hs2` as RoomId });
  const seed = (type: string, stateKey: string, content: JsonObject) =>
    room.event({ type, sender: DAN, stateKey, content, seeded: true });
  await seed('m.room.create', '', {});
  await seed('m.room.member', DAN, { membership: 'join', displayname: 'Dan' });
  visibility = await seed('m.room.history_visibility', '', { history_visibility: 'shared' });
  await seed('m.room.topic', '', { topic: 'as it was' });
  join = await room.member(ALICE, 'join');
  await room.message(DAN, 'm1');
  await room.message(DAN, 'm2');
  await room.missHistory();
});

const backfill = (body: string, historyVisibility: number | null = visibility.eventNid) =>
  room.event({
    type: 'm.room.message',
    sender: DAN,
    content: { body },
    backfilled: true,
    fork: {
      basePosition: 0,
      overrides: [[EVENT_TYPE_NIDS['m.room.history_visibility'], EMPTY_STATE_KEY_NID, historyVisibility]],
    },
  });
/** room-state that finds these events, some at each request, and then says that there are no more. */
const hasHistory = (...pages: string[][]) => {
  app.commands.answer = async () => {
    const page = pages.shift() ?? [];
    for (const body of page) await backfill(body);
    if (pages.length === 0) {
      await app.database.db.deleteFrom('backward_extremities').where('room_nid', '=', room.roomNid).execute();
    }
    return { added: page.length };
  };
};

describe('paging back to before this server came', () => {
  it('goes on with what others have, until they have no more', async () => {
    hasHistory(['h5', 'h4', 'h3'], ['h2', 'h1']);
    const first = await back('limit=4');
    expect(told(first)).toEqual(['m2', 'm1', 'm.room.member', 'h5']);
    const second = await back(`limit=3&from=${end(first)}`);
    expect(told(second)).toEqual(['h4', 'h3', 'h2']);
    const third = await back(`limit=3&from=${end(second)}`);
    expect(told(third)).toEqual(['h1']);
    expect(third.body).not.toHaveProperty('end');
    expect(third.body['start']).toBe(end(second));
    expect(app.commands.asked).toMatchObject([
      { pattern: BackfillRoom.pattern, input: { roomId: room.roomId, limit: 20 } },
      { pattern: BackfillRoom.pattern, input: { limit: 20 } },
    ]);
  });

  it('asks nobody while there is enough here, and has an end where that ends', async () => {
    const page = await back('limit=3');
    expect(told(page)).toEqual(['m2', 'm1', 'm.room.member']);
    expect(app.commands.asked).toEqual([]);
    hasHistory(['h1']);
    const next = await back(`limit=3&from=${end(page)}`);
    expect(told(next)).toEqual(['h1']);
    expect(next.body).not.toHaveProperty('end');
  });

  it('is at the end when nobody has more', async () => {
    const page = await back('limit=10');
    expect(told(page)).toEqual(['m2', 'm1', 'm.room.member']);
    expect(page.body).not.toHaveProperty('end');
    expect(app.commands.asked).toHaveLength(1);
  });

  it('may be tried again when nobody could be asked', async () => {
    app.commands.answer = () => {
      throw overloaded(1_000);
    };
    const page = await back('limit=10');
    expect({ status: page.status, told: told(page) }).toEqual({
      status: 200,
      told: ['m2', 'm1', 'm.room.member'],
    });
    hasHistory(['h1']);
    expect(told(await back(`limit=10&from=${end(page)}`))).toEqual(['h1']);
  });

  it('asks no more than three times for one page', async () => {
    app.commands.answer = async () => {
      await backfill('hidden', null).then(({ eventNid }) =>
        app.database.db
          .updateTable('events')
          .set({ json: '{"type":"x","content":{}}' })
          .where('event_nid', '=', eventNid)
          .execute(),
      );
      return { added: 1 };
    };
    const filter = encodeURIComponent(JSON.stringify({ types: ['m.room.message'] }));
    const page = await back(`limit=10&filter=${filter}`);
    expect(told(page)).toEqual(['m2', 'm1']);
    expect(app.commands.asked).toHaveLength(3);
    expect(end(page)).toMatch(/^t1_0_\w+$/);
  });

  it('is not for pages forward, nor up to a point', async () => {
    await app.call(ALICE, 'GET', path('messages?dir=f&limit=10'));
    await back('limit=10&to=s1_0_0');
    expect((await back('limit=0')).body).not.toHaveProperty('end');
    expect(app.commands.asked).toEqual([]);
  });

  it('asks nobody for a room whose history is here', async () => {
    await app.database.db.deleteFrom('backward_extremities').where('room_nid', '=', room.roomNid).execute();
    expect((await back('limit=10')).body).not.toHaveProperty('end');
    expect(app.commands.asked).toEqual([]);
  });
});

describe('paging back over what was missed', () => {
  let behind: PlacedRow;
  const missed = (body: string) =>
    room.event({
      type: 'm.room.message',
      sender: body === 'wanted' ? ALICE : DAN,
      content: { body },
      backfilled: behind,
      fork: { basePosition: behind.position - 1 },
    });
  /** room-state that finds what was missed before `m4`, some at each request, and nothing of what was before the join. */
  const finds = (...pages: string[][]) => {
    app.commands.answer = async (_pattern, input) => {
      const page = input['before'] === behind.position ? (pages.shift() ?? []) : [];
      for (const body of page) await missed(body);
      if (pages.length === 0) {
        await app.database.db
          .deleteFrom('backward_extremities')
          .where('room_nid', '=', room.roomNid)
          .where('followed_by_nid', '=', behind.eventNid)
          .execute();
      }
      return { added: page.length };
    };
  };

  beforeEach(async () => {
    await room.message(DAN, 'm3');
    behind = await room.message(DAN, 'm4');
    await room.message(DAN, 'm5');
    await room.missHistory('$missed' as EventId, behind);
  });

  it('fills the gap, and shows what came between', async () => {
    finds(['g3', 'g2', 'g1']);
    expect(told(await back('limit=7'))).toEqual(['m5', 'm4', 'g3', 'g2', 'g1', 'm3', 'm2']);
    expect(app.commands.asked).toMatchObject([{ input: { before: behind.position, limit: 20 } }]);
  });

  it('asks nobody for a gap that the page does not come to', async () => {
    const page = await back('limit=2');
    expect(told(page)).toEqual(['m5', 'm4']);
    expect(app.commands.asked).toEqual([]);
    finds(['g2'], ['g1']);
    expect(told(await back(`limit=4&from=${end(page)}`))).toEqual(['g2', 'g1', 'm3', 'm2']);
  });

  it('ends before a gap of which nobody could be asked, and goes over it when that is so again', async () => {
    app.commands.answer = () => {
      throw overloaded(1_000);
    };
    const page = await back('limit=5');
    expect(told(page)).toEqual(['m5', 'm4']);
    expect(told(await back(`limit=2&from=${end(page)}`))).toEqual(['m3', 'm2']);
    finds(['g1']);
    expect(told(await back(`limit=2&from=${end(page)}`))).toEqual(['g1', 'm3']);
  });

  it('goes over a gap of which nobody knows more, and asks no more for a while', async () => {
    expect(told(await back('limit=5'))).toEqual(['m5', 'm4', 'm3', 'm2', 'm1']);
    expect(told(await back('limit=5'))).toEqual(['m5', 'm4', 'm3', 'm2', 'm1']);
    expect(app.commands.asked).toHaveLength(1);
  });

  it('goes on in a gap of which nothing is wanted', async () => {
    finds(['x1'], ['x2'], ['x3'], ['x4', 'wanted']);
    const filter = encodeURIComponent(JSON.stringify({ senders: [ALICE] }));
    const seen: unknown[] = [];
    let query = `limit=3&filter=${filter}`;
    for (let pages = 0; pages < 4; pages++) {
      const page = await back(query);
      seen.push(...told(page));
      if (page.body['end'] === undefined) break;
      query = `limit=3&filter=${filter}&from=${end(page)}`;
    }
    expect(seen).toEqual(['wanted', 'm.room.member']);
  });

  it('shows what another request has brought meanwhile', async () => {
    app.commands.answer = async () => {
      await missed('g1');
      return { added: 0 };
    };
    expect(told(await back('limit=3'))).toEqual(['m5', 'm4', 'g1']);
  });

  it('fills the gap also on the way up to a token', async () => {
    finds(['g1']);
    const page = await back(`limit=9&to=${tokenOf([behind.position - 1, behind.position - 1])}`);
    expect(told(page)).toEqual(['m5', 'm4', 'g1']);
    expect(page.body).not.toHaveProperty('end');
  });

  it('ends in a gap that is too large for one page, and goes on there', async () => {
    finds(['g5'], ['g4'], ['g3'], ['g2', 'g1']);
    const page = await back('limit=8');
    expect(told(page)).toEqual(['m5', 'm4', 'g5', 'g4', 'g3']);
    expect(told(await back(`limit=3&from=${end(page)}`))).toEqual(['g2', 'g1', 'm3']);
  });

  it('has the context of an event behind it', async () => {
    finds(['g2', 'g1']);
    const around = await app.call(
      ALICE,
      'GET',
      path(`context/${encodeURIComponent(behind.eventId)}?limit=6`),
    );
    expect(told(around, 'events_before')).toEqual(['g2', 'g1', 'm3']);
    expect(told(around, 'events_after')).toEqual(['m5']);
    const middle = (around.body['events_before'] as JsonObject[])[1]?.['event_id'] as string;
    const inside = await app.call(ALICE, 'GET', path(`context/${encodeURIComponent(middle)}?limit=4`));
    expect(told(inside, 'events_before')).toEqual(['m3', 'm2']);
    expect(told(inside, 'events_after')).toEqual(['g2', 'm4']);
    expect(told(inside, 'state')).toContain('m.room.topic');
  });

  it('shows those who left nothing of what came after it', async () => {
    const gone = await room.member(ALICE, 'leave');
    behind = await room.message(DAN, 'm6');
    const later = await missed('later');
    expect(told(await back('limit=1'))).toEqual(['m.room.member']);
    const after = `messages?dir=f&from=${tokenOf([gone.position, gone.position])}`;
    expect(told(await app.call(ALICE, 'GET', path(after)))).toEqual([]);
    const around = await app.call(ALICE, 'GET', path(`context/${encodeURIComponent(gone.eventId)}?limit=4`));
    expect(told(around, 'events_after')).toEqual([]);
    expect((await app.call(ALICE, 'GET', path(`event/${encodeURIComponent(later.eventId)}`))).status).toBe(
      404,
    );
    const found = await app.call(
      ALICE,
      'GET',
      `/_matrix/client/v1/${path(`timestamp_to_event?dir=b&ts=${Date.now()}`)}`,
    );
    expect(found.body['event_id']).toBe(gone.eventId);
  });
});

describe('backfilled history', () => {
  it('can be paged through in both directions across the first event', async () => {
    await backfill('h2');
    const oldest = await backfill('h1');
    expect(oldest.position).toBeLessThan(0);
    const start = tokenOf([0, oldest.position - 1]);
    const forward = await app.call(ALICE, 'GET', path(`messages?dir=f&limit=1&from=${start}`));
    expect(told(forward)).toEqual(['h1']);
    const on = await app.call(ALICE, 'GET', path(`messages?dir=f&limit=3&from=${end(forward)}`));
    expect(told(on)).toEqual(['h2', 'm.room.member', 'm1']);
    const zero = await back('limit=10&from=s1_0_0');
    expect(told(zero)).toEqual(['h2', 'h1']);
    const both = await back(`limit=10&from=${end(on)}&to=${start}`);
    expect(told(both)).toEqual(['m1', 'm.room.member', 'h2', 'h1']);
  });

  it('is seen as the history visibility of its time allows', async () => {
    const joined = await room.event({
      type: 'm.room.history_visibility',
      sender: DAN,
      stateKey: '',
      content: { history_visibility: 'joined' },
      backfilled: true,
      fork: {
        basePosition: 0,
        overrides: [[EVENT_TYPE_NIDS['m.room.history_visibility'], EMPTY_STATE_KEY_NID, null]],
      },
    });
    await backfill('hidden', joined.eventNid);
    await backfill('shown', null);
    expect(told(await back('limit=10'))).toEqual([
      'm2',
      'm1',
      'm.room.member',
      'm.room.history_visibility',
      'shown',
    ]);
  });

  it('hides from who was no member when members only saw it', async () => {
    const alice = await app.database.db
      .selectFrom('state_keys')
      .select('state_key_nid')
      .where('state_key', '=', ALICE)
      .executeTakeFirstOrThrow();
    const joined = await room.state('m.room.history_visibility', DAN, { history_visibility: 'joined' });
    const overrides: [number, number, number | null][] = [
      [EVENT_TYPE_NIDS['m.room.history_visibility'], EMPTY_STATE_KEY_NID, joined.eventNid],
    ];
    const event = { type: 'm.room.message', sender: DAN, backfilled: true };
    const fork = (membership: number | null) => ({
      basePosition: join.position,
      overrides: [
        ...overrides,
        [EVENT_TYPE_NIDS['m.room.member'], alice.state_key_nid, membership] as (typeof overrides)[0],
      ],
    });
    await room.event({ ...event, content: { body: 'while away' }, fork: fork(null) });
    await room.event({ ...event, content: { body: 'while there' }, fork: fork(join.eventNid) });
    expect(told(await back('limit=10&from=s1_0_0'))).toEqual(['while there']);
  });

  it('has contexts, with tokens that go on, and the oldest state there is', async () => {
    hasHistory(['h3', 'h2', 'h1']);
    const around = await app.call(ALICE, 'GET', path(`context/${encodeURIComponent(join.eventId)}?limit=4`));
    expect(told(around, 'events_before')).toEqual(['h3', 'h2']);
    const rest = await back(`limit=10&from=${around.body['start'] as string}`);
    expect(told(rest)).toEqual(['h1']);
    const [oldest] = rest.body['chunk'] as JsonObject[];
    const context = await app.call(
      ALICE,
      'GET',
      path(`context/${encodeURIComponent(oldest?.['event_id'] as string)}?limit=0`),
    );
    expect(told(context, 'state')).toEqual(expect.arrayContaining(['m.room.create', 'm.room.topic']));
    const filter = encodeURIComponent(JSON.stringify({ lazy_load_members: true }));
    const lazy = await back(`limit=1&from=${around.body['start'] as string}&filter=${filter}`);
    expect(lazy.body['state']).toMatchObject([{ type: 'm.room.member', state_key: DAN }]);
  });

  it('is part of no room for who is not in it', async () => {
    await backfill('h1');
    expect((await back('limit=10', BOB)).status).toBe(403);
    expect(app.commands.asked).toEqual([]);
  });
});

describe('a room joined by way of another server', () => {
  it('has the state that came with the join', async () => {
    const state = (await app.call(ALICE, 'GET', path('state'))).body as unknown as JsonObject[];
    expect(state.map(({ type }) => type).sort()).toEqual([
      'm.room.create',
      'm.room.history_visibility',
      'm.room.member',
      'm.room.member',
      'm.room.topic',
    ]);
    const members = await app.call(ALICE, 'GET', path('members'));
    expect(members.body['chunk']).toHaveLength(2);
    expect((await app.call(ALICE, 'GET', path('joined_members'))).body).toMatchObject({
      joined: { [DAN]: { display_name: 'Dan' } },
    });
    expect((await app.call(ALICE, 'GET', path('members?at=s1_0_0'))).body['chunk']).toMatchObject([
      { state_key: DAN },
    ]);
    expect((await app.call(ALICE, 'GET', path('state/m.room.topic'))).body).toEqual({ topic: 'as it was' });
    const outlier = await app.call(ALICE, 'GET', path(`event/${encodeURIComponent(visibility.eventId)}`));
    expect(outlier.status).toBe(404);
  });

  it('tells members what replaced the state that came with the join', async () => {
    const topic = await room.state('m.room.topic', DAN, { topic: 'new' });
    const { body } = await app.call(ALICE, 'GET', path(`event/${encodeURIComponent(topic.eventId)}`));
    expect(body['unsigned']).toMatchObject({ prev_content: { topic: 'as it was' }, prev_sender: DAN });
  });
});
