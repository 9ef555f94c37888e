import { testDatabase } from '@atoll/embedded';
import { type Database, migrateToLatest, openDatabase } from '@atoll/database';
import type { Logger } from '@atoll/telemetry';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { OldRequestsSweep } from './old-requests-sweep.js';

let pg: Awaited<ReturnType<typeof testDatabase>>;
let database: Database;
beforeAll(async () => {
  pg = await testDatabase();
  database = openDatabase({ url: pg.url, poolSize: 2, applicationName: 'spec' });
  await migrateToLatest(database.db);
});
afterAll(async () => {
  await database.close();
  await pg.drop();
});

it('forgets all old requests at once, however many there are, and no others', async () => {
  const insert = 'INSERT INTO to_device_requests (request_key, created_ts) SELECT';
  await database.pool.query(`${insert} 'old ' || n, n FROM generate_series(1, 20001) AS n`);
  await database.pool.query(`${insert} 'new', $1`, [Date.now() - 6 * 24 * 3_600_000]);
  await new OldRequestsSweep({} as Logger, database).sweep();
  const left = await database.db.selectFrom('to_device_requests').select('request_key').execute();
  expect(left).toEqual([{ request_key: 'new' }]);
});
