import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { createDatabase, startPostgres, type PostgresServer } from './postgres.js';
import { startRedis, type RedisServer } from './redis.js';
import { isProcess, readRecord } from './server-record.js';

/** A fresh database of the test PostgreSQL. */
export interface TestDatabase {
  url: string;
  /** Removes it, ending what is still connected. */
  drop(): Promise<void>;
}

// Tests kill processes, not machines: without fsync they leave the disk to others.
const testSettings = {
  fsync: 'off',
  synchronous_commit: 'off',
  full_page_writes: 'off',
  max_connections: '400',
};

/** Starts a PostgreSQL for tests in a temporary folder; it is removed when stopped or when this process dies. */
export function startTestPostgres(): Promise<PostgresServer> {
  return startPostgres({ dataDir: temporaryFolder('postgres'), persistent: false, settings: testSettings });
}

/**
 * The URL of the PostgreSQL for tests: the one named by `ATOLL_TEST_POSTGRES_URL` (`npm test` starts one for the whole
 * run), else one that all spec files run by this process share.
 */
export async function testPostgres(): Promise<string> {
  const given = process.env['ATOLL_TEST_POSTGRES_URL'];
  if (given) return given;
  // Each spec file has its own module registry, so the process's own server is remembered on disk.
  const dataDir = join(tmpdir(), `atoll-test-postgres-of-${process.pid}`);
  const running = await readRecord(dataDir);
  if (running?.owner === process.pid && isProcess(running.pid, 'postgres')) return adminUrl(running.url);
  const server = await startPostgres({ dataDir, persistent: false, settings: testSettings });
  return server.url('postgres');
}

/**
 * A fresh database for a spec file; call `drop()` in `afterAll`. It is a copy of the database that `ATOLL_TEST_TEMPLATE` names
 * (`npm test` migrates one for the whole run), else, or if it has to be, empty.
 */
export async function testDatabase({ empty = false } = {}): Promise<TestDatabase> {
  const admin = await testPostgres();
  const name = `test_${randomBytes(8).toString('hex')}`;
  await createDatabase(admin, name, empty ? undefined : process.env['ATOLL_TEST_TEMPLATE']);
  const url = new URL(admin);
  url.pathname = name;
  return {
    url: url.href,
    async drop() {
      const client = new pg.Client({ connectionString: admin });
      await client.connect();
      await client.query(`DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
      await client.end();
    },
  };
}

/** An own, empty Redis for a spec file; call `stop()` in `afterAll`. */
export async function testRedis(): Promise<RedisServer> {
  return startRedis({ dataDir: temporaryFolder('redis'), persistent: false });
}

function temporaryFolder(name: string): string {
  return join(tmpdir(), `atoll-test-${name}-${randomBytes(8).toString('hex')}`);
}

function adminUrl(url: string): string {
  const admin = new URL(url);
  admin.pathname = 'postgres';
  return admin.href;
}
