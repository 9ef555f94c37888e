import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Redis } from 'ioredis';
import pg from 'pg';
import { testDatabase, testPostgres, testRedis, type TestDatabase } from './test-servers.js';

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

describe('testDatabase', () => {
  let one: TestDatabase;
  let other: TestDatabase;
  beforeAll(async () => {
    one = await testDatabase();
    other = await testDatabase();
  });
  afterAll(async () => {
    await Promise.all([one.drop(), other.drop()]);
  });

  test('databases are separate and real', async () => {
    await query(one.url, 'CREATE TABLE t (a int)');
    expect(await query(one.url, "SELECT to_regclass('t') IS NOT NULL AS there")).toEqual([{ there: true }]);
    expect(await query(other.url, "SELECT to_regclass('t') IS NOT NULL AS there")).toEqual([
      { there: false },
    ]);
  });

  test('the server is shared by the databases of a process', async () => {
    expect(await testPostgres()).toBe(await testPostgres());
    expect(new URL(one.url).port).toBe(new URL(other.url).port);
  });

  test('drop removes a database that is still in use', async () => {
    const third = await testDatabase();
    const client = new pg.Client({ connectionString: third.url });
    client.on('error', () => undefined);
    await client.connect();
    await third.drop();
    await expect(query(third.url, 'SELECT 1')).rejects.toThrow(/does not exist/);
    await client.end().catch(() => undefined);
  });
});

describe('testRedis', () => {
  test('gives an empty Redis behind a password', async () => {
    const server = await testRedis();
    const redis = new Redis(server.url);
    expect(await redis.dbsize()).toBe(0);
    await redis.quit();

    const stranger = new Redis(server.port, '127.0.0.1', {
      protocol: 2,
      lazyConnect: true,
      retryStrategy: () => null,
    });
    stranger.on('error', () => undefined);
    await stranger.connect().catch(() => undefined);
    await expect(stranger.set('a', 'b')).rejects.toThrow();
    stranger.disconnect();
    await server.stop();
  });
});
