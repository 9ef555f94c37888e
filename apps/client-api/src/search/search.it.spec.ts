import { type PlacedRow, RoomRows } from '@atoll/database/testing';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { loadSigningKey } from '@atoll/service';
import { sql } from 'kysely';
import { TokenSeal } from '../platform/token-seal.js';
import { startTestClientApi, type TestClientApi, type TestUser } from '../test-client-api.spec-support.js';
import { SearchTokens } from './search-token.js';

let api: TestClientApi;
let alice: TestUser;
let bob: TestUser;
let aliceId: UserId;
let bobId: UserId;
beforeAll(async () => {
  api = await startTestClientApi();
  [alice, bob] = [await api.register('alice'), await api.register('bob')];
  [aliceId, bobId] = [alice.userId as UserId, bob.userId as UserId];
});
afterAll(() => api.close());

interface Found {
  count: number;
  highlights: string[];
  results: {
    rank: number;
    result: { event_id: string; content: JsonObject };
    context?: {
      events_before: { event_id: string }[];
      events_after: { event_id: string }[];
      start: string;
      end: string;
      profile_info?: JsonObject;
    };
  }[];
  next_batch?: string;
  state?: Record<string, { type: string; state_key: string }[]>;
  groups?: Record<string, Record<string, { order: number; results: string[]; next_batch?: string }>>;
}

const ask = (user: TestUser, room_events: JsonObject | string, nextBatch?: string) =>
  api.request(
    'POST',
    `/search${nextBatch === undefined ? '' : `?${new URLSearchParams({ next_batch: nextBatch }).toString()}`}`,
    { token: user.token, body: { search_categories: { room_events } } },
  );
const find = async (user: TestUser, criteria: JsonObject, nextBatch?: string) => {
  const { body } = await ask(user, { order_by: 'recent', ...criteria }, nextBatch);
  return (body as unknown as { search_categories: { room_events: Found } }).search_categories.room_events;
};
const idsOf = ({ results }: Found) => results.map(({ result }) => result.event_id);
const ids = (rows: readonly PlacedRow[]) => rows.map(({ eventId }) => eventId as string);

let rooms = 0;
async function roomOf(...members: UserId[]): Promise<RoomRows> {
  const room = await RoomRows.create(api.database, { roomId: `!search${rooms++}:hs1` as RoomId });
  for (const member of members) await room.member(member, 'join');
  return room;
}

describe('who finds what', () => {
  it('what may be seen, no more: before the join, after the leave, in other rooms, by ignored users', async () => {
    const room = await roomOf(aliceId);
    await room.state('m.room.history_visibility', aliceId, { history_visibility: 'joined' });
    await room.message(aliceId, 'whale before');
    await room.member(bobId, 'join');
    const during = await room.message(aliceId, 'whale during');
    await room.state('m.room.history_visibility', aliceId, { history_visibility: 'world_readable' });
    await room.member(bobId, 'leave');
    const after = await room.message(aliceId, 'whale after');
    await room.event({
      type: 'm.room.message',
      sender: aliceId,
      content: { body: 'whale missed after' },
      backfilled: after,
      fork: { basePosition: after.position - 1 },
    });
    // History comes into the index a moment later.
    while ((await find(alice, { search_term: 'whale' })).count < 4) await sleep(20);
    const seen = await find(bob, { search_term: 'whale', event_context: {} });
    expect(idsOf(seen)).toEqual([during.eventId]);
    // Not even their number tells of the others.
    expect(seen.count).toBe(1);
    expect(JSON.stringify(seen)).not.toMatch(/whale (before|after|missed)/);
    const ignored = async (users: JsonObject) =>
      api.request('PUT', `/user/${bob.userId}/account_data/m.ignored_user_list`, {
        token: bob.token,
        body: { ignored_users: users },
      });
    await ignored({ [alice.userId]: {} });
    expect((await find(bob, { search_term: 'whale' })).count).toBe(0);
    await ignored({});
    await api.database.db
      .updateTable('memberships')
      .set({ forgotten: true })
      .where('room_nid', '=', room.roomNid)
      .where('membership', '=', 'leave')
      .execute();
    expect((await find(bob, { search_term: 'whale' })).count).toBe(0);
  });

  it('invited users find nothing, nor does anybody find what is redacted', async () => {
    const room = await roomOf(aliceId);
    await room.member(bobId, 'invite', aliceId);
    const message = await room.message(aliceId, 'dolphin');
    expect((await find(bob, { search_term: 'dolphin' })).count).toBe(0);
    expect((await find(alice, { search_term: 'DOLPHIN' })).count).toBe(1);
    await room.event({ type: 'm.room.redaction', sender: aliceId, redacts: message });
    expect(await find(alice, { search_term: 'dolphin' })).toEqual({
      count: 0,
      highlights: ['dolphin'],
      results: [],
    });
  });

  it('the rooms before an upgrade belong to the room that a filter names', async () => {
    const [before, after, apart] = [await roomOf(aliceId), await roomOf(aliceId), await roomOf(aliceId)];
    await after.state('m.room.create', aliceId, { predecessor: { room_id: before.roomId } });
    await before.state('m.room.create', aliceId, { predecessor: { room_id: before.roomId } });
    const sent = [await before.message(aliceId, 'heron'), await after.message(aliceId, 'heron')];
    await apart.message(aliceId, 'heron');
    const named = { search_term: 'heron', filter: { rooms: [after.roomId] } };
    expect(idsOf(await find(alice, named))).toEqual(ids(sent).reverse());
    const not = { ...named, filter: { ...named.filter, not_rooms: [before.roomId] } };
    expect((await find(alice, not)).count).toBe(1);
    expect((await find(bob, named)).count).toBe(0);
  });
});

describe('what is asked for', () => {
  let room: RoomRows;
  let sent: PlacedRow[];
  beforeAll(async () => {
    room = await roomOf(aliceId);
    await room.member(bobId, 'join', bobId, { displayname: 'Bob then' });
    sent = [];
    for (let n = 0; n < 20; n++) sent.push(await room.message(n % 2 === 0 ? aliceId : bobId, `otter ${n}`));
    await room.member(bobId, 'join', bobId, { displayname: 'Bob now' });
  });

  it('comes in pages until one is empty', async () => {
    const criteria = { search_term: 'otter', filter: { limit: 10 } };
    const newest = ids(sent).reverse();
    for (const order_by of ['recent', 'rank']) {
      const first = await find(alice, { ...criteria, order_by });
      expect([first.count, ...idsOf(first)]).toEqual([20, ...newest.slice(0, 10)]);
      const second = await find(alice, { ...criteria, order_by }, first.next_batch);
      expect([second.count, ...idsOf(second)]).toEqual([20, ...newest.slice(10)]);
      const last = await find(alice, { ...criteria, order_by }, second.next_batch);
      expect(last).toEqual({ count: 20, highlights: ['otter'], results: [] });
    }
  });

  it('comes in groups, each with pages of its own', async () => {
    const groupings = { group_by: [{ key: 'room_id' }, { key: 'sender' }] };
    const criteria = { search_term: 'otter', filter: { limit: 4 }, groupings };
    const { groups, next_batch } = await find(alice, criteria);
    const shown = ids(sent).reverse().slice(0, 4);
    expect(next_batch).toEqual(expect.any(String));
    expect(groups?.['room_id']?.[room.roomId]).toMatchObject({ order: 1, results: shown });
    const ofBob = groups?.['sender']?.[bob.userId];
    expect(ofBob?.results).toEqual([shown[0], shown[2]]);
    const own = sent.filter((_, n) => n % 2 === 1).map(({ eventId }) => eventId as string);
    const pages: string[][] = [ofBob?.results ?? []];
    for (let next = ofBob?.next_batch; next !== undefined;) {
      const page = await find(alice, criteria, next);
      pages.push(idsOf(page));
      next = page.next_batch;
      expect(page.groups?.['sender']?.[bob.userId]?.results ?? []).toEqual(idsOf(page));
    }
    expect(pages.flat()).toEqual(own.reverse());
    expect(pages.at(-1)).toEqual([]);
  });

  it('has what stands around it, with the profiles of that time', async () => {
    const around = { before_limit: 2, after_limit: 1, include_profile: true };
    const { results } = await find(alice, { search_term: 'otter 9', event_context: around });
    expect(results).toHaveLength(1);
    const context = results[0]?.context;
    expect(context?.events_before.map(({ event_id }) => event_id)).toEqual(
      ids([sent[8], sent[7]] as PlacedRow[]),
    );
    expect(context?.events_after.map(({ event_id }) => event_id)).toEqual(ids(sent.slice(10, 11)));
    expect(context?.profile_info).toEqual({ [alice.userId]: {}, [bob.userId]: { displayname: 'Bob then' } });
    expect([typeof context?.start, typeof context?.end]).toEqual(['string', 'string']);
  });

  it('is narrowed by the filter and the keys', async () => {
    const count = async (criteria: JsonObject) =>
      (await find(alice, { search_term: 'otter', ...criteria })).count;
    expect(await count({ filter: { senders: [bob.userId] } })).toBe(10);
    expect(await count({ filter: { not_senders: [bob.userId] } })).toBe(10);
    expect(await count({ filter: { not_rooms: [room.roomId] } })).toBe(0);
    expect(await count({ filter: { types: ['m.room.na*'] } })).toBe(0);
    expect(await count({ filter: { contains_url: true } })).toBe(0);
    expect(await count({ keys: ['content.name'] })).toBe(0);
    expect(await count({ search_term: 'otter 3 missing' })).toBe(0);
    expect(await count({ search_term: '!?' })).toBe(0);
  });

  it('comes with the state of its rooms', async () => {
    const { state } = await find(alice, { search_term: 'otter 9', include_state: true });
    expect(Object.keys(state ?? {})).toEqual([room.roomId]);
    expect(state?.[room.roomId]?.map(({ state_key }) => state_key).sort()).toEqual([
      alice.userId,
      bob.userId,
    ]);
  });

  it('comes with no more state than fits: of large rooms the senders alone of the members, and what is no member', async () => {
    const large = await roomOf(aliceId, bobId);
    await large.state('m.room.name', aliceId, { name: 'Large' });
    const sent = await large.message(aliceId, 'walrus');
    await sql`WITH keys AS (INSERT INTO state_keys (state_key)
        SELECT '@walrus' || n || ':elsewhere' FROM generate_series(1, 5000) n RETURNING state_key_nid),
      members AS (INSERT INTO events (event_nid, event_id, room_nid, type_nid, state_key_nid, sender_nid, depth, origin_server_ts, status, json)
        SELECT 20000000 + state_key_nid, '$walrus' || state_key_nid, ${large.roomNid}, 1, state_key_nid, state_key_nid, 1, 1, 0, '{}'
        FROM keys RETURNING event_nid, state_key_nid)
      INSERT INTO room_state (room_nid, type_nid, state_key_nid, event_nid, from_position)
      SELECT ${large.roomNid}, 1, state_key_nid, event_nid, ${sent.position} FROM members`.execute(
      api.database.db,
    );
    const small = await roomOf(aliceId, bobId);
    await small.message(bobId, 'walrus');
    const stateOf = async (lazy_load_members: boolean) => {
      const criteria = { search_term: 'walrus', include_state: true, filter: { lazy_load_members } };
      const { state = {} } = await find(alice, criteria);
      return [large, small].map(({ roomId }) =>
        state[roomId]?.map(({ type, state_key }) => `${type} ${state_key}`).sort(),
      );
    };
    const ofLarge = [`m.room.member ${alice.userId}`, 'm.room.name '];
    const ofSmall = [`m.room.member ${alice.userId}`, `m.room.member ${bob.userId}`];
    expect(await stateOf(false)).toEqual([ofLarge, ofSmall]);
    expect(await stateOf(true)).toEqual([ofLarge, ofSmall.slice(1)]);
  });

  it('puts what fits best first by default', async () => {
    const place = await roomOf(aliceId);
    const best = await place.message(aliceId, 'puffin puffin puffin');
    const newer = await place.message(aliceId, 'a puffin');
    const { body } = await ask(alice, { search_term: 'puffin' });
    const found = (body as unknown as { search_categories: { room_events: Found } }).search_categories
      .room_events;
    expect(idsOf(found)).toEqual(ids([best, newer]));
    expect(found.results[0]?.rank).toBeGreaterThan(found.results[1]?.rank ?? 1);
  });
});

describe('tokens', () => {
  const MATCHES = 1_000;
  let eve: TestUser;
  let seen: PlacedRow[];
  beforeAll(async () => {
    eve = await api.register('eve');
    const open = await roomOf(eve.userId as UserId);
    seen = [await open.message(aliceId, 'lynx'), await open.message(aliceId, 'lynx')];
    const closed = await roomOf(aliceId);
    await closed.state('m.room.history_visibility', aliceId, { history_visibility: 'joined' });
    await hide(closed);
    await closed.member(eve.userId as UserId, 'join');
  });

  /** As many matches as a request looks through; they need no more than a place in the index. */
  async function hide({ roomNid }: RoomRows): Promise<void> {
    await sql`
      INSERT INTO event_search (event_nid, room_nid, position, sender_nid, key, has_url, document)
      SELECT 9000000 + n, ${roomNid}, n, 0, 1, false, ${`'!${roomNid}' 'lynx':1`}::tsvector
      FROM (SELECT nextval('events_position') AS n FROM generate_series(1, ${MATCHES})) AS p`.execute(
      api.database.db,
    );
  }
  const opened = async (token: string | undefined) => {
    const tokens = new SearchTokens(new TokenSeal(await loadSigningKey(api.config)));
    return tokens.decode(eve.userId as UserId, token ?? '');
  };

  it('lead past hidden matches, and tell nothing of them', async () => {
    const criteria = { search_term: 'lynx', filter: { limit: 1 } };
    const first = await find(eve, criteria);
    expect(first).toMatchObject({ count: 0, results: [] });
    const bytes = Buffer.from(first.next_batch?.slice(3) ?? '', 'base64url').toString('latin1');
    const { until } = await opened(first.next_batch);
    expect(bytes).not.toContain(String(until));
    // Nor does a comparison: no two tokens are alike.
    expect((await find(eve, criteria)).next_batch).not.toBe(first.next_batch);
    expect(idsOf(await find(eve, criteria, first.next_batch))).toEqual([seen[1]?.eventId]);
  });

  it('of pages by rank hold only what was seen', async () => {
    const criteria = { search_term: 'lynx', order_by: 'rank', filter: { limit: 1 } };
    // One of the hidden matches less than a request looks through.
    await sql`DELETE FROM event_search WHERE event_nid IN (SELECT event_nid FROM event_search
      WHERE event_nid > 9000000 ORDER BY position LIMIT 2)`.execute(api.database.db);
    const first = await find(eve, criteria);
    expect([first.count, ...idsOf(first)]).toEqual([2, seen[1]?.eventId]);
    expect((await opened(first.next_batch)).until).toBe(seen[1]?.position);
    expect(idsOf(await find(eve, criteria, first.next_batch))).toEqual([seen[0]?.eventId]);
  });

  it('are refused when changed, made up, or of others', async () => {
    const { next_batch = '' } = await find(eve, { search_term: 'lynx', filter: { limit: 1 } });
    const middle = next_batch.length / 2;
    const changed =
      next_batch.slice(0, middle) + (next_batch[middle] === 'A' ? 'B' : 'A') + next_batch.slice(middle + 1);
    const readable = Buffer.from(JSON.stringify({ until: 1, count: 1 })).toString('base64url');
    for (const token of [changed, next_batch.slice(0, 20), `s1_${readable}`, `s2_${readable}`, 's2_', '']) {
      const { status, body } = await ask(eve, { search_term: 'lynx' }, token);
      expect([status, body['errcode']]).toEqual([400, 'M_INVALID_PARAM']);
    }
    const ofAnother = await ask(alice, { search_term: 'lynx' }, next_batch);
    expect([ofAnother.status, ofAnother.body['errcode']]).toEqual([400, 'M_INVALID_PARAM']);
  });
});

describe('what is refused', () => {
  it.each<[string, JsonObject]>([
    ['no term', {}],
    ['a long term', { search_term: 'x'.repeat(1_001) }],
    ['an unknown key', { search_term: 'x', keys: ['content.secret'] }],
    ['an unknown order', { search_term: 'x', order_by: 'random' }],
    ['a negative context', { search_term: 'x', event_context: { before_limit: -1 } }],
    ['a false filter', { search_term: 'x', filter: { rooms: ['none'] } }],
    ['an unknown group', { search_term: 'x', groupings: { group_by: [{ key: 'type' }] } }],
  ])('%s', async (_name, criteria) => {
    const answer = await ask(alice, criteria);
    expect([answer.status, answer.body['errcode']]).toEqual([400, 'M_BAD_JSON']);
  });

  it('tokens of others, and requests without one', async () => {
    expect((await ask(alice, { search_term: 'x' }, 's1_!')).body['errcode']).toBe('M_INVALID_PARAM');
    expect((await ask({ ...alice, token: 'none' }, { search_term: 'x' })).status).toBe(401);
    const none = await api.request('POST', '/search', {
      token: alice.token,
      body: { search_categories: {} },
    });
    expect(none.body).toEqual({ search_categories: {} });
  });
});

it('is indexed while nobody searches', async () => {
  const room = await roomOf(aliceId);
  const { eventNid } = await room.message(aliceId, 'unasked');
  const isThere = () =>
    api.database.db
      .selectFrom('event_search')
      .select('position')
      .where('event_nid', '=', eventNid)
      .executeTakeFirst();
  while ((await isThere()) === undefined) await sleep(50);
});

it('is limited by user, as is the directory', async () => {
  const limited = await startTestClientApi({ ATOLL_RATE_LIMITS: 'on' });
  const { token } = await limited.register('carol');
  const repeat = async (path: string, body: JsonObject) => {
    const answers = await Promise.all(
      Array.from({ length: 90 }, () => limited.request('POST', path, { token, body })),
    );
    return new Set(answers.map(({ status, body }) => `${status} ${JSON.stringify(body['errcode'] ?? null)}`));
  };
  const both = new Set(['200 null', '429 "M_LIMIT_EXCEEDED"']);
  expect(await repeat('/search', { search_categories: { room_events: { search_term: 'x' } } })).toEqual(both);
  expect(await repeat('/user_directory/search', { search_term: 'x' })).toEqual(both);
  await limited.close();
});
