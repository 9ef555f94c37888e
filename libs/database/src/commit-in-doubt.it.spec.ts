import net from 'node:net';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import { sql } from 'kysely';
import { commitInLanes } from './commit-in-lanes.js';
import { isCommitInDoubt, isRetryable, sqlState } from './database-errors.js';
import { migrateToLatest } from './migrate.js';
import { openDatabase, type Database } from './open-database.js';
import { NotOwnerError } from './partition/fence-partitions.js';

describe('a commit', () => {
  let server: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    server = await testDatabase();
    database = open(server.url, 'direct');
    await migrateToLatest(database.db);
    await database.pool.query(`
      CREATE FUNCTION slow_check() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(10); RETURN NULL; END $$;
      CREATE CONSTRAINT TRIGGER slow_check AFTER INSERT ON redactions DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW WHEN (NEW.redacted_event_nid = 999) EXECUTE FUNCTION slow_check()`);
  });

  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  const open = (url: string, applicationName: string): Database =>
    openDatabase({ url, poolSize: 2, applicationName });

  const write = ({ db }: Database, nid: number): Promise<unknown> =>
    commitInLanes(db, (trx, closing) => {
      closing.add(trx.insertInto('redactions').values({ redacted_event_nid: nid, redaction_event_nid: nid }));
    });

  const exists = async (nid: number): Promise<boolean> =>
    (await database.pool.query('SELECT FROM redactions WHERE redacted_event_nid = $1', [nid])).rowCount === 1;

  it('is in doubt when the network is cut after COMMIT was sent, although it happened', async () => {
    const cut = await cuttingProxy(server.url);
    const behind = open(cut.url, 'cut-off');
    const failure = await write(behind, 1).catch((error: unknown) => error);
    expect(isCommitInDoubt(failure)).toBe(true);
    expect(isRetryable(failure)).toBe(false);
    await behind.close();
    cut.close();
    await until(() => exists(1));
  });

  it('is in doubt when the server ends the session while it commits', async () => {
    const writing = write(database, 999).catch((error: unknown) => error);
    const end = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND wait_event = 'PgSleep'`;
    await until(async () => (await database.pool.query(end)).rowCount === 1);
    expect(isCommitInDoubt(await writing)).toBe(true);
    expect(await exists(999)).toBe(false);
  });

  it('is certainly undone when a closing statement is refused', async () => {
    await write(database, 2);
    const failure = await write(database, 2).catch((error: unknown) => error);
    expect(isCommitInDoubt(failure)).toBe(false);
    expect(sqlState(failure)).toBe('23505');
    await expect(write(database, 3)).resolves.toBeUndefined();
  });

  it('is certainly undone, and may be repeated, when the session ended before', async () => {
    const failure = await commitInLanes(database.db, async (trx) => {
      await sql`SELECT pg_terminate_backend(pg_backend_pid())`.execute(trx).catch(() => undefined);
    }).catch((error: unknown) => error);
    expect(isCommitInDoubt(failure)).toBe(false);
    expect(isRetryable(failure)).toBe(true);
  });

  it('is refused by a fence, which tells who owns the partition', async () => {
    await database.pool.query(
      `INSERT INTO partitions VALUES ('room-state', 1, 'a', 5), ('room-state', 2, 'b', 7)`,
    );
    const fenced = (epoch: number, partition = 1): Promise<unknown> =>
      commitInLanes(database.db, (trx, closing) => {
        closing.fence('room-state', 'a', [{ partition, epoch }]);
        closing.add(trx.insertInto('redactions').values({ redacted_event_nid: 50, redaction_event_nid: 1 }));
      });
    await expect(fenced(4)).rejects.toMatchObject({ lost: [{ partition: 1, owner: 'a', epoch: 5 }] });
    await expect(fenced(7, 2)).rejects.toMatchObject({ lost: [{ partition: 2, owner: 'b', epoch: 7 }] });
    await expect(fenced(1, 3)).rejects.toBeInstanceOf(NotOwnerError);
    expect(await exists(50)).toBe(false);
    await fenced(5);
    expect(await exists(50)).toBe(true);
  });

  async function until(reached: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 5_000;
    while (!(await reached())) if (Date.now() > deadline) throw new Error('not reached within 5 s');
  }

  /** Passes everything to the server and cuts the client off as soon as it has sent a COMMIT. */
  async function cuttingProxy(target: string): Promise<{ url: string; close: () => void }> {
    const { port, hostname } = new URL(target);
    const proxy = net.createServer((client) => {
      const upstream = net.connect(Number(port), hostname);
      upstream.on('data', (data) => client.destroyed || client.write(data));
      client.on('data', (data) => {
        upstream.write(data);
        if (data.toString('latin1').includes('\ncommit')) client.destroy();
      });
      client.on('error', () => undefined);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    const url = new URL(target);
    url.hostname = '127.0.0.1';
    url.port = String((proxy.address() as AddressInfo).port);
    return { url: url.href, close: () => proxy.close() };
  }
});
