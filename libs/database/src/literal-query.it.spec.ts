import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import { sql } from 'kysely';
import { literalQuery } from './literal-query.js';
import { openDatabase, type Database } from './open-database.js';

describe('a literal query', () => {
  let server: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 1, applicationName: 'literals' });
  });

  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  it.each([
    ['text', `it's "quoted"`],
    ['text', `back\\slash \\' ; DROP TABLE x; --`],
    ['text', `$1 $$ ümläut 🏝 \n\t`],
    ['text', null],
    ['bigint', -Number.MAX_SAFE_INTEGER],
    ['boolean', true],
    ['bytea', Buffer.from([0, 1, 254, 255])],
    ['timestamptz', new Date('2026-01-02T03:04:05.678Z')],
  ])('brings a %s back as it was: %j', async (type, value) => {
    const text = literalQuery(sql`SELECT CAST(${value} AS ${sql.raw(type)}) AS value`);
    const { rows } = await database.pool.query(text);
    expect(rows).toEqual([{ value }]);
  });

  it.each([[[1, 2]], [{ a: 1 }], ['nul \0 byte']])('refuses %j', (value) => {
    expect(() => literalQuery(sql`SELECT ${value}`)).toThrow(TypeError);
  });
});
