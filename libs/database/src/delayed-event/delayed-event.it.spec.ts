import { testDatabase } from '@atoll/embedded';
import type { EventId, RoomId, UserId } from '@atoll/matrix';
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import type { ClaimableShare } from './claimable-share.js';
import { DelayedEventReader } from './delayed-event-reader.js';
import {
  type ClaimedDelayedEvent,
  DelayedEventSendingTransactor,
} from './delayed-event-sending-transactor.js';
import { DelayedEventTransactor } from './delayed-event-transactor.js';

const alice = '@alice:hs1' as UserId;
const bob = '@bob:hs1' as UserId;
const room = '!room:hs1' as RoomId;
const other = '!other:hs1' as RoomId;
const HOUR = 3_600_000;

let pg: Awaited<ReturnType<typeof testDatabase>>;
let database: Database;
let reader: DelayedEventReader;
let sending: DelayedEventSendingTransactor;
let waiting: DelayedEventTransactor;

beforeAll(async () => {
  pg = await testDatabase();
  database = openDatabase({ url: pg.url, poolSize: 4, applicationName: 'spec' });
  await migrateToLatest(database.db);
  reader = new DelayedEventReader(database);
  sending = new DelayedEventSendingTransactor(database);
  waiting = new DelayedEventTransactor(database.db);
});
afterEach(() => database.db.deleteFrom('delayed_events').execute());
afterAll(async () => {
  await database.close();
  await pg.drop();
});

const add = (delayId: string, delayMs = HOUR, userId = alice, roomId = room) =>
  waiting.add(delayId, { userId, roomId, type: 'm.test', content: { text: '\0\ud800' }, delayMs }, undefined);
/** Lets time go by, for one or for all. */
const passes = (ms: number, delayId?: string) =>
  database.db
    .updateTable('delayed_events')
    .set(({ eb }) => ({
      scheduled_ts: eb('scheduled_ts', '-', ms),
      due_ts: eb('due_ts', '-', ms),
      next_try_ts: eb('next_try_ts', '-', ms),
      finalised_ts: eb('finalised_ts', '-', ms),
    }))
    .$if(delayId !== undefined, (query) => query.where('delay_id', '=', delayId ?? ''))
    .execute();
const ids = (events: readonly { delayId: string }[]) => events.map(({ delayId }) => delayId);
const share = { asksOthers: false, limit: 10, perUser: 10, held: new Map<UserId, number>() };
const claim = async (only: Partial<ClaimableShare> = {}) => sending.claimDue({ ...share, ...only }, 30_000);
const only = async (): Promise<ClaimedDelayedEvent> => {
  const [event, ...others] = await claim();
  if (!event || others.length > 0) throw new Error(`not one: ${String(others.length)}`);
  return event;
};

describe('what waits', () => {
  it('is due when its delay is over, not before, and restarts from the present', async () => {
    await add('one');
    expect([await reader.isAnyDue(), await claim()]).toEqual([false, []]);
    await passes(HOUR - 1_000);
    expect(await reader.isAnyDue()).toBe(false);
    expect(await waiting.restart(alice, 'one')).toBe(true);
    await passes(HOUR - 1_000);
    expect(await claim()).toEqual([]);
    await passes(2_000);
    expect(await reader.isAnyDue()).toBe(true);
    expect(await claim()).toMatchObject([
      { delayId: 'one', attempt: 1, isRepeated: false, content: { text: '\0\ud800' }, delayMs: HOUR },
    ]);
  });

  it('is its user’s', async () => {
    await add('one');
    expect(await reader.byId(bob, 'one')).toBeUndefined();
    expect(await waiting.cancel(bob, 'one')).toBe(false);
    expect(await waiting.restart(bob, 'one')).toBe(false);
    expect(await sending.claimOne(bob, 'one', 1)).toBeUndefined();
    expect(await waiting.cancel(alice, 'one')).toBe(true);
    expect((await reader.byId(alice, 'one'))?.finalised).toEqual({ ts: expect.any(Number) });
    expect(await waiting.cancel(alice, 'one')).toBe(false);
  });

  it('is counted and listed by time', async () => {
    for (const [id, delay] of [
      ['late', 2 * HOUR],
      ['soon', HOUR],
    ] as const)
      await add(id, delay);
    await add('bobs', 1_000, bob);
    expect(ids(await reader.scheduledBy(alice, 10))).toEqual(['soon', 'late']);
    const { count, nextInMs } = await waiting.waiting(alice);
    expect(count).toBe(2);
    expect(nextInMs).toBeGreaterThan(HOUR - 60_000);
    expect(nextInMs).toBeLessThanOrEqual(HOUR);
    expect(await waiting.waiting('@nobody:hs1' as UserId)).toEqual({ count: 0, nextInMs: null });
  });
});

describe('what is due', () => {
  it('goes to one of those who ask at once, in the order of the times', async () => {
    for (let i = 0; i < 40; i += 1) await add(`event-${String(i).padStart(2, '0')}`, HOUR + i, alice, room);
    await passes(2 * HOUR);
    const pages: ClaimedDelayedEvent[][] = [];
    while (pages.flat().length < 40) {
      const asked = await Promise.all(Array.from({ length: 4 }, () => claim()));
      for (const page of asked.filter(({ length }) => length > 0)) {
        pages.push(page);
        // One user's events in one room: nobody gets the next ones until these are through.
        expect(await claim()).toEqual([]);
        for (const event of page) await sending.sent(event, `$${event.delayId}` as EventId);
      }
    }
    const order = ids(pages.flat());
    expect(order).toEqual(order.toSorted());
    expect(await claim()).toEqual([]);
  });

  it('of others, and of other rooms, waits for nobody', async () => {
    await add('first');
    await passes(2 * HOUR);
    const first = await only();
    for (const [id, user, roomId] of [
      ['same', alice, room],
      ['bobs', bob, room],
      ['elsewhere', alice, other],
    ] as const) {
      await add(id, HOUR, user, roomId);
      await passes(HOUR + 60_000, id);
    }
    expect(ids(await claim()).toSorted()).toEqual(['bobs', 'elsewhere']);
    await sending.failed(first, { errcode: 'M_FORBIDDEN' });
    expect(ids(await claim())).toEqual(['same']);
    expect((await reader.byId(alice, 'first'))?.finalised).toMatchObject({
      error: { errcode: 'M_FORBIDDEN' },
    });
  });

  it('is given to the next when whoever had it says nothing, and cannot be cancelled in between', async () => {
    await add('one');
    await passes(HOUR);
    const dead = await only();
    expect(await claim()).toEqual([]);
    await passes(40_000);
    expect(await waiting.cancel(alice, 'one')).toBe(false);
    expect(await waiting.restart(alice, 'one')).toBe(false);
    expect(await sending.claimOne(alice, 'one', 1_000)).toBeUndefined();
    const taken = await only();
    expect([dead.attempt, taken.attempt, taken.isRepeated]).toEqual([1, 2, true]);

    // Whoever was thought dead changes nothing with what it knows about its own try …
    await sending.release(dead);
    await sending.failed(dead, { errcode: 'M_FORBIDDEN' });
    await sending.tryAgainAfter(dead, 0);
    expect(await claim()).toEqual([]);
    // … but that the event was sent holds for all.
    await sending.sent(dead, '$sent' as EventId);
    await sending.failed(taken, { errcode: 'M_FORBIDDEN' });
    expect((await reader.byId(alice, 'one'))?.finalised).toEqual({
      ts: expect.any(Number),
      eventId: '$sent',
    });
  });

  it('of two whose claims ran out at the same time, comes in order', async () => {
    await add('a');
    await add('b');
    await database.db
      .updateTable('delayed_events')
      .set({ claimed: true, due_ts: 1_000, next_try_ts: 1_000 })
      .execute();
    const first = await only();
    await sending.sent(first, '$a' as EventId);
    expect([first.delayId, ids(await claim())]).toEqual(['a', ['b']]);
  });
});

describe('what one user has a lot of', () => {
  const addMember = async (delayId: string, userId = alice, roomId = room) => {
    const event = { userId, roomId, type: 'm.room.member', stateKey: userId, content: {}, delayMs: HOUR };
    await waiting.add(delayId, event, undefined);
  };

  it('leaves room for others', async () => {
    for (let i = 0; i < 6; i += 1) await add(`a${i}`, HOUR, alice, `!${i}:hs1` as RoomId);
    await add('bobs', HOUR + 1, bob);
    await passes(2 * HOUR);
    expect(ids(await claim({ perUser: 2 }))).toEqual(['a0', 'a1', 'bobs']);
    expect(await claim({ perUser: 2, held: new Map([[alice, 2]]) })).toEqual([]);
    expect(ids(await claim({ perUser: 3, held: new Map([[alice, 2]]) }))).toEqual(['a2']);
    expect(ids(await claim({ limit: 1 }))).toEqual(['a3']);
  });

  it('and may have to wait for other servers has room of its own, and keeps its order', async () => {
    await addMember('join');
    await add('after', HOUR + 1);
    await add('elsewhere', HOUR + 2, alice, other);
    await passes(2 * HOUR);
    expect(ids(await claim())).toEqual(['elsewhere']);
    const [join] = await claim({ asksOthers: true });
    expect([join?.delayId, await claim()]).toEqual(['join', []]);
    await sending.sent(join as ClaimedDelayedEvent, '$join' as EventId);
    expect(ids(await claim())).toEqual(['after']);
  });
});

it('a claim that is renewed does not run out, and one that was lost does not come back', async () => {
  await add('one');
  await passes(HOUR);
  const first = await only();
  await passes(29_000);
  await sending.renew([first], 30_000);
  await passes(2_000);
  expect(await claim()).toEqual([]);
  expect([await reader.isBeingSent('one'), await reader.overdueMs(30_000)]).toEqual([
    true,
    expect.any(Number),
  ]);
  expect(await reader.overdueMs(30_000)).toBeGreaterThan(30_000);
  await passes(40_000);
  const second = await only();
  await sending.tryAgainAfter(second, 0);
  await sending.renew([first], 30_000);
  const third = await only();
  await sending.sent(third, '$sent' as EventId);
  await sending.renew([third], 30_000);
  expect([await reader.isBeingSent('one'), await reader.overdueMs(30_000)]).toEqual([false, 0]);
});

it('sent before its time: by one, and back to waiting when it was refused', async () => {
  await add('one');
  const claims = await Promise.all([1, 2, 3].map(() => sending.claimOne(alice, 'one', 30_000)));
  const mine = claims.find((one) => one !== undefined);
  if (!mine) throw new Error('nobody has it');
  expect(claims.filter((one) => one !== undefined)).toHaveLength(1);
  expect(mine.overdueMs).toBeLessThan(0);
  expect(await waiting.cancel(alice, 'one')).toBe(false);
  await sending.release(mine);
  expect(await claim()).toEqual([]);
  const again = await sending.claimOne(alice, 'one', 30_000);
  expect(again).toMatchObject({ attempt: 2, isRepeated: false });
  // Whoever has it dies: it is sent although its time has not come.
  await passes(31_000);
  expect(await claim()).toMatchObject([{ delayId: 'one', attempt: 3, isRepeated: true }]);
});

it('what became of events is kept for a while, and only so many', async () => {
  for (const id of ['a', 'b', 'c', 'waits']) await add(id);
  for (const id of ['a', 'b', 'c']) {
    await waiting.cancel(alice, id);
    await passes(1_000, id);
    await passes(1_000);
  }
  await waiting.forgetAllBut(2, alice);
  const { rows } = await sql<{ delay_id: string }>`SELECT delay_id FROM delayed_events ORDER BY 1`.execute(
    database.db,
  );
  expect(rows.map((row) => row.delay_id)).toEqual(['b', 'c', 'waits']);
  expect(await sending.deleteFinalisedBefore(HOUR, 1)).toBe(false);
  await passes(2 * HOUR, 'b');
  expect(await sending.deleteFinalisedBefore(HOUR, 1)).toBe(true);
  expect(await sending.deleteFinalisedBefore(HOUR, 1)).toBe(false);
  expect([await reader.byId(alice, 'b'), await reader.byId(alice, 'c')]).toEqual([
    undefined,
    expect.objectContaining({ delayId: 'c' }),
  ]);
});

it('what is due is found by an index, however much waits and was', async () => {
  await sql`INSERT INTO delayed_events (delay_id, user_id, room_id, type, content, delay_ms, scheduled_ts, due_ts, next_try_ts, finalised_ts)
    SELECT n, '@u' || n % 500, '!r', 't', '{}', 1, 4000000000000, 4000000000000 + n, 4000000000000 + n, CASE WHEN n % 2 = 0 THEN 1 END
    FROM generate_series(1, 20000) AS n`.execute(database.db);
  await sql`ANALYZE delayed_events`.execute(database.db);
  const plan = await sql<Record<string, string>>`EXPLAIN SELECT delay_id FROM delayed_events
    WHERE finalised_ts IS NULL AND next_try_ts <= floor(extract(epoch FROM statement_timestamp()) * 1000)::bigint LIMIT 1`.execute(
    database.db,
  );
  expect(JSON.stringify(plan.rows)).toContain('delayed_events_next_try');
  expect(await reader.isAnyDue()).toBe(false);
});
