import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import { acquireClient } from './acquire-client.js';
import { commitInLanes } from './commit-in-lanes.js';
import { takeLane } from './lanes.js';
import { migrateToLatest } from './migrate.js';
import { openDatabase, type Database } from './open-database.js';
import { currentPositions } from './stream-position-reader.js';

const IDLE_LIMIT = 400;

describe('lanes', () => {
  let server: TestDatabase;
  let database: Database;
  let nextNid = 1;

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 12, applicationName: 'lanes' });
    await migrateToLatest(database.db);
  });

  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  /** Commits `count` rows of the events stream and answers their positions. */
  function write(
    count: number,
    heavyWork: () => Promise<unknown> = () => Promise.resolve(),
  ): Promise<number[]> {
    return commitInLanes(database.db, async (trx, closing) => {
      await heavyWork();
      const taken = closing.take('events', count);
      const rows = Array.from({ length: count }, (_, i) => ({
        position: taken.sql(i),
        event_nid: nextNid++,
        room_nid: 1,
      }));
      closing.add(trx.insertInto('event_positions').values(rows));
      return { taken };
    }).then(({ taken }) => Array.from({ length: count }, (_, i) => taken.at(i)));
  }

  async function readAfter(position: number): Promise<number[]> {
    const rows = await database.db
      .selectFrom('event_positions')
      .select('position')
      .where('position', '>', position)
      .orderBy('position')
      .execute();
    return rows.map((row) => row.position);
  }

  it.each([
    { batch: 1, commits: 60 },
    { batch: 50, commits: 20 },
  ])('let a polling reader miss nothing of 8 writers with batches of $batch', async ({ batch, commits }) => {
    const { events: start } = await currentPositions(database.db);
    const seen: number[] = [];
    const writing = new AbortController();
    const reader = (async () => {
      for (let isLast = false; !isLast;) {
        isLast = writing.signal.aborted;
        seen.push(...(await readAfter(seen.at(-1) ?? start)));
      }
    })();
    const written: number[] = [];
    await Promise.all(
      Array.from({ length: 8 }, async () => {
        for (let i = 0; i < commits; i++) written.push(...(await write(batch)));
      }),
    );
    writing.abort();
    await reader;
    expect(seen).toHaveLength(8 * commits * batch);
    expect(seen).toEqual(written.sort((a, b) => a - b));
  });

  it('would be needed: a position taken outside of them is missed', async () => {
    const [slow, quick] = [await acquireClient(database.pool), await acquireClient(database.pool)];
    const insert = `INSERT INTO event_positions SELECT nextval('events_position'), $1, 1`;
    try {
      await slow.query('BEGIN');
      await slow.query(insert, [nextNid++]);
      await quick.query(insert, [nextNid++]);
      const { events: read } = await currentPositions(database.db);
      await slow.query('COMMIT');
      expect(await readAfter(read)).toEqual([]);
      expect(await readAfter(read - 2)).toEqual([read - 1, read]);
    } finally {
      slow.release();
      quick.release();
    }
  });

  it('take the position only once the lock is held', async () => {
    const [holder, waiter] = [await acquireClient(database.pool), await acquireClient(database.pool)];
    const lastValue = async () =>
      (await database.pool.query<{ last_value: number }>('SELECT last_value FROM events_position')).rows;
    try {
      await holder.query('BEGIN');
      await holder.query(takeLane('events', 3));
      const before = await lastValue();
      const waiting = waiter.query(takeLane('events', 1));
      await untilWaitsForLock();
      expect(await lastValue()).toEqual(before);
      await holder.query('COMMIT');
      await waiting;
      expect(await lastValue()).not.toEqual(before);
    } finally {
      holder.release();
      waiter.release();
    }
  });

  async function untilWaitsForLock(): Promise<void> {
    const waits = `SELECT 1 FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'`;
    const deadline = Date.now() + 5_000;
    while ((await database.pool.query(waits)).rowCount === 0)
      if (Date.now() > deadline) throw new Error('nobody waits');
  }

  it('are not held while a writer is slow with its heavy work', async () => {
    const begun = Promise.withResolvers<undefined>();
    const heavyWork = Promise.withResolvers<undefined>();
    const slow = write(1, () => {
      begun.resolve(undefined);
      return heavyWork.promise;
    });
    await begun.promise;
    const [quick = 0] = await write(1);
    heavyWork.resolve(undefined);
    expect(await slow).toEqual([quick + 1]);
  });

  it('are freed by the server from a client that stops with one in hand', async () => {
    const impatient = openDatabase({
      url: server.url,
      poolSize: 1,
      applicationName: 'stops',
      idleInTransactionTimeoutMs: IDLE_LIMIT,
    });
    const stopped = await acquireClient(impatient.pool);
    await stopped.query('BEGIN');
    await stopped.query(takeLane('events', 1));
    const started = performance.now();
    await write(1);
    const waited = performance.now() - started;
    expect(waited).toBeGreaterThan(IDLE_LIMIT / 2);
    expect(waited).toBeLessThan(IDLE_LIMIT + 5_000);
    await expect(stopped.query('COMMIT')).rejects.toThrow();
    stopped.release(true);
    await impatient.close();
  });

  it('give one transaction positions in several streams', async () => {
    const { taken, other } = await commitInLanes(database.db, (_trx, closing) => ({
      other: closing.take('account_data', 2),
      taken: closing.take('events', 1),
    }));
    expect(other.at(1)).toBe(other.at(0) + 1);
    expect(taken.at(0)).toBeGreaterThan(0);
  });
});
