import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import { Migrator } from 'kysely/migration';
import { ensureInstallation, InstallationMismatch } from './installation.js';
import { assertSchemaIsCurrent, migrateToLatest, SchemaOutdated } from './migrate.js';
import { migrations } from './migrations/index.js';
import { openDatabase, type Database } from './open-database.js';

describe('migrations', () => {
  let server: TestDatabase;
  let databases: Database[];

  beforeAll(async () => {
    server = await testDatabase({ empty: true });
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

  it('tell which memberships of before are those of users of other servers', async () => {
    const older = await testDatabase({ empty: true });
    const database = openDatabase({ url: older.url, poolSize: 1, applicationName: 'upgrade' });
    const provider = { getMigrations: () => Promise.resolve({ ...migrations }) };
    const { error } = await new Migrator({ db: database.db, provider }).migrateTo('0023-device-keys');
    expect(error).toBeUndefined();
    await ensureInstallation(database.db, { serverName: 'a.example:8448', partitions: 128 });
    await database.pool.query(`INSERT INTO state_keys (state_key_nid, state_key)
      VALUES (1001, '@u:a.example:8448'), (1002, '@u:a.example'), (1003, '@u:b.example')`);
    await database.pool.query(`INSERT INTO memberships (user_nid, room_nid, membership, event_nid, position)
      SELECT i, 1, 'join', i, i FROM generate_series(1001, 1003) i`);
    await migrateToLatest(database.db);
    const { rows } = await database.pool.query('SELECT user_nid FROM memberships WHERE NOT is_remote');
    expect(rows).toEqual([{ user_nid: 1001 }]);
    await database.close();
    await older.drop();
  });
});
