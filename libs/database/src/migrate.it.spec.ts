import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import { ensureInstallation, InstallationMismatch } from './installation.js';
import { assertSchemaIsCurrent, migrateToLatest, SchemaOutdated } from './migrate.js';
import { migrations } from './migrations/index.js';
import { openDatabase, type Database } from './open-database.js';

describe('migrations', () => {
  let server: TestDatabase;
  let databases: Database[];

  beforeAll(async () => {
    server = await testDatabase();
    databases = [1, 2, 3, 4].map((n) =>
      openDatabase({ url: server.url, poolSize: 2, applicationName: `migrator-${n}` }),
    );
  });

  afterAll(async () => {
    await Promise.all(databases.map((database) => database.close()));
    await server.drop();
  });

  const one = (): Database => databases[0] as Database;

  it('reports an empty database as outdated', async () => {
    await expect(assertSchemaIsCurrent(one().db)).rejects.toThrow(SchemaOutdated);
  });

  it('are applied once by four processes that start together', async () => {
    const results = await Promise.all(databases.map(({ db }) => migrateToLatest(db)));
    expect(results.flatMap(({ applied }) => applied)).toEqual(Object.keys(migrations));
    await expect(assertSchemaIsCurrent(one().db)).resolves.toBeUndefined();
  });

  it('leave a schema alone that a newer release has extended', async () => {
    await one().pool.query(`INSERT INTO kysely_migration VALUES ('9999-future', '2999-01-01T00:00:00Z')`);
    await expect(migrateToLatest(one().db)).resolves.toEqual({ applied: [] });
    await one().pool.query(`DELETE FROM kysely_migration WHERE name = '9999-future'`);
  });

  it('bind the database to one server name and one number of partitions', async () => {
    const wanted = { serverName: 'a.example', partitions: 128 };
    await Promise.all(databases.map(({ db }) => ensureInstallation(db, wanted)));
    await expect(ensureInstallation(one().db, { ...wanted, serverName: 'b.example' })).rejects.toThrow(
      InstallationMismatch,
    );
    await expect(ensureInstallation(one().db, { ...wanted, partitions: 64 })).rejects.toThrow(
      /128 partitions, not 64/,
    );
  });
});
