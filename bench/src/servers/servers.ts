import { mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, startRedis, type PostgresServer, type RedisServer } from '@atoll/embedded';
import pg from 'pg';
import type { Bench } from '../benchmark.js';

/** A temporary folder that goes when the benchmark ends. */
export function temporaryFolder(bench: Bench): string {
  const folder = mkdtempSync(join(tmpdir(), 'atoll-bench-'));
  bench.atEnd(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A durable PostgreSQL as the embedded mode runs it: fsync and synchronous_commit are on. */
export async function startDurablePostgres(bench: Bench): Promise<PostgresServer> {
  const dataDir = join(temporaryFolder(bench), 'postgres');
  const server = await startPostgres({ dataDir, persistent: false });
  bench.atEnd(() => server.stop());
  bench.remark(await describe(server.url('postgres')));
  return server;
}

export async function startOwnRedis(bench: Bench): Promise<RedisServer> {
  const server = await startRedis({ dataDir: join(temporaryFolder(bench), 'redis'), persistent: false });
  bench.atEnd(() => server.stop());
  return server;
}

const DURABLE = ['fsync', 'synchronous_commit', 'full_page_writes'];

/** @throws Error when the server would lose what it acknowledged */
async function describe(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ name: string; value: string }>(
    'SELECT name, current_setting(name) AS value FROM unnest($1::text[]) AS name',
    [[...DURABLE, 'shared_buffers', 'server_version']],
  );
  await client.end();
  if (rows.some(({ name, value }) => DURABLE.includes(name) && value !== 'on')) {
    throw new Error('PostgreSQL is not durable');
  }
  return `PostgreSQL: ${rows.map(({ name, value }) => `${name} ${value}`).join(', ')}.`;
}
