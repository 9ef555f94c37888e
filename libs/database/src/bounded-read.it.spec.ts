import { expect, it } from '@jest/globals';
import { testDatabase } from '@atoll/embedded';
import { sql } from 'kysely';
import { boundedRead, ReadTookTooLong } from './bounded-read.js';
import { openDatabase } from './open-database.js';

it('ends a query that takes too long, and only that', async () => {
  const server = await testDatabase();
  const database = openDatabase({ url: server.url, poolSize: 1, applicationName: 'bounded-read' });
  const read = (ms: number, query: string) =>
    boundedRead(database.db, ms, (db) => sql.raw<{ x: number }>(query).execute(db));
  await expect(read(10, 'SELECT pg_sleep(60)')).rejects.toThrow(ReadTookTooLong);
  await expect(read(10_000, 'SELECT 1 / 0')).rejects.toThrow('division by zero');
  // The same connection has its own bound again.
  const { rows } = await database.pool.query('SHOW statement_timeout');
  expect(rows).toEqual([{ statement_timeout: '30s' }]);
  await database.close();
  await server.drop();
});
