import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { ensureRedisServer } from './find-redis.js';
import { startPostgres } from './postgres.js';
import { startRedis } from './redis.js';
import { isProcess } from './server-record.js';

async function value(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const result = await client.query<Record<string, unknown>>(sql);
  await client.end();
  return Object.values(result.rows[0] ?? {})[0];
}

async function gone(pid: number, name: string): Promise<boolean> {
  for (let waited = 0; waited < 10_000 && isProcess(pid, name); waited += 50) await sleep(50);
  return !isProcess(pid, name);
}

let dataDir: string;
beforeEach(() => {
  dataDir = join(tmpdir(), `atoll-embedded-spec-${randomBytes(8).toString('hex')}`);
});
afterEach(async () => {
  await rm(dataDir, { recursive: true, force: true });
});

describe('startPostgres', () => {
  test('is durable by default and keeps its data over a restart and a kill', async () => {
    const first = await startPostgres({ dataDir, persistent: true, settings: { shared_buffers: '16MB' } });
    const url = await first.createDatabase('atoll');
    await first.createDatabase('atoll');
    expect(await value(url, 'SHOW fsync')).toBe('on');
    expect(await value(url, 'SHOW synchronous_commit')).toBe('on');
    expect(await value(url, 'SHOW shared_buffers')).toBe('16MB');
    await value(url, 'CREATE TABLE kept (a int)');
    process.kill(first.pid, 'SIGKILL');
    await gone(first.pid, 'postgres');

    const second = await startPostgres({ dataDir, persistent: true });
    expect(await value(second.url('atoll'), "SELECT to_regclass('kept') IS NOT NULL")).toBe(true);
    await second.stop();
    expect(isProcess(second.pid, 'postgres')).toBe(false);
  });

  test('starts over a pid file that names another program', async () => {
    await (await startPostgres({ dataDir, persistent: true })).stop();
    await writeFile(join(dataDir, 'cluster/postmaster.pid'), `${process.pid}\n`);
    const server = await startPostgres({ dataDir, persistent: true });
    expect(await value(server.url('postgres'), 'SELECT 1')).toBe(1);
    await server.stop();
  });

  test('says who else uses the folder', async () => {
    const server = await startPostgres({ dataDir, persistent: true });
    await expect(startPostgres({ dataDir, persistent: true })).rejects.toThrow(
      `is in use by postgres process ${server.pid}, started by process ${process.pid}`,
    );
    await server.stop();
  });

  test('begins again where the creation of the cluster was cut off', async () => {
    await (await startPostgres({ dataDir, persistent: true })).stop();
    await rm(join(dataDir, 'initialised'));
    const server = await startPostgres({ dataDir, persistent: true });
    expect(await value(server.url('postgres'), 'SELECT 1')).toBe(1);
    await server.stop();
  });
});

describe('servers of a process that was killed', () => {
  test('stop, and those for tests leave nothing behind', async () => {
    const built = new URL('../dist/index.js', import.meta.url).href;
    const script = `
      const { startTestPostgres, testRedis } = await import(${JSON.stringify(built)});
      const servers = await Promise.all([startTestPostgres(), testRedis()]);
      console.log(JSON.stringify(servers.map(({ pid, dataDir }) => ({ pid, dataDir }))));
      setInterval(() => undefined, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(owner.stdout, 'data')) as [Buffer];
    const servers = JSON.parse(line.toString()) as { pid: number; dataDir: string }[];
    const names = ['postgres', basename(ensureRedisServer())];
    expect(servers.map(({ pid }, i) => isProcess(pid, names[i] ?? 'none'))).toEqual([true, true]);
    owner.kill('SIGKILL');
    for (const [i, { pid, dataDir: folder }] of servers.entries()) {
      expect(await gone(pid, names[i] ?? 'none')).toBe(true);
      for (let waited = 0; waited < 15_000 && existsSync(folder); waited += 50) await sleep(50);
      expect(existsSync(folder)).toBe(false);
    }
  });
});

describe('startRedis', () => {
  test('stops, and refuses a folder that is in use', async () => {
    const server = await startRedis({ dataDir });
    await expect(startRedis({ dataDir })).rejects.toThrow(
      `is in use by ${basename(ensureRedisServer())} process ${server.pid}`,
    );
    await server.stop();
    expect(isProcess(server.pid, basename(ensureRedisServer()))).toBe(false);
  });
});
