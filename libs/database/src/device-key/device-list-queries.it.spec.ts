import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { ServerName, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { OutgoingDeviceReader } from './outgoing-device-reader.js';
import { RemoteDeviceListReader } from './remote-device-list-reader.js';

/** Every room has these members of other servers. */
const REMOTE = 10_000;
const user = (n: number) => `@user${n}:hs2` as UserId;

describe('who of other servers shares a room with a user of this one', () => {
  let server: TestDatabase;
  let database: Database;
  let reader: RemoteDeviceListReader;

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 1, applicationName: 'device-list-queries' });
    await migrateToLatest(database.db);
    await fill(database);
    reader = new RemoteDeviceListReader(database, 'hs1' as ServerName);
  }, 60_000);

  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  it.each([1, 200])('is found for %d of them without a look at the others in their rooms', async (count) => {
    const users = Array.from({ length: count }, (_, n) => user(n + 1));
    const { sql: text, parameters } = reader.sharingQuery(users).compile(database.db);
    const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN ANALYZE ${text}`, [
      ...parameters,
    ]);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain('memberships_local');
    expect(plan).not.toMatch(/memberships_by_room|Seq Scan on memberships/);
    const read = Array.from(plan.matchAll(/actual time=\S+ rows=([\d.]+) loops=(\d+)/g), ([, n, loops]) => {
      return Number(n) * Number(loops);
    });
    expect(Math.max(...read)).toBeLessThan(REMOTE / 2);
  });

  it('is said as it is, also of a room whose rows an older release wrote', async () => {
    expect(await reader.sharing([user(1), user(REMOTE + 1)])).toEqual(
      new Map([[user(1), { sinceFetch: false }]]),
    );
    await sql`UPDATE memberships SET is_remote = false`.execute(database.db);
    expect(await reader.sharing([user(1), user(REMOTE + 1)])).toEqual(
      new Map([[user(1), { sinceFetch: false }]]),
    );
  });
});

describe('whose list changed lately in a room', () => {
  let server: TestDatabase;
  let database: Database;
  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 1, applicationName: 'device-list-queries' });
    await migrateToLatest(database.db);
    await fill(database);
    await sql`INSERT INTO device_changes (user_id, stream_id, device_id, fingerprint, position, changed_ts)
      SELECT '@local' || i % 10 || ':hs1', i, 'D', 'f', i, i FROM generate_series(1, 5000) i`.execute(
      database.db,
    );
    await sql`ANALYZE`.execute(database.db);
  }, 60_000);
  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  it('is found without a look at the room, or at older changes', async () => {
    const reader = new OutgoingDeviceReader(database);
    expect(await reader.changedIn(3, 4_996)).toEqual([]);
    expect((await reader.changedIn(3, 4_993)).toSorted()).toEqual([3, 4, 5].map((n) => `@local${n}:hs1`));
    expect(await reader.changedIn(11, 0)).toEqual([]);
    expect([await reader.hasChangedSince(5_000), await reader.hasChangedSince(5_001)]).toEqual([true, false]);
    const { sql: text, parameters } = reader.changedInQuery(3, 4_993).compile(database.db);
    const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, [...parameters]);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain('device_changes_by_time');
    expect(plan).not.toMatch(/memberships_by_room|Seq Scan on (memberships|device_changes)/);
  });
});

/** Ten rooms in which the local members came last, and one that has none. */
async function fill({ db }: Database): Promise<void> {
  const statements = [
    `INSERT INTO state_keys (state_key_nid, state_key) SELECT 1000 + i, '@user' || i || ':hs2' FROM generate_series(1, ${REMOTE + 1}) i`,
    `INSERT INTO state_keys (state_key_nid, state_key) SELECT 500 + i, '@local' || i || ':hs1' FROM generate_series(1, 5) i`,
    `INSERT INTO memberships (user_nid, room_nid, membership, event_nid, position, is_remote)
      SELECT 1000 + i, room, 'join', i, i, true FROM generate_series(1, ${REMOTE}) i, generate_series(1, 10) room`,
    `INSERT INTO memberships (user_nid, room_nid, membership, event_nid, position)
      SELECT 500 + i, room, 'join', i, ${REMOTE} + i FROM generate_series(1, 5) i, generate_series(1, 10) room`,
    `INSERT INTO memberships (user_nid, room_nid, membership, event_nid, position, is_remote)
      SELECT 1000 + i, 11, 'join', i, i, true FROM generate_series(1, ${REMOTE + 1}) i`,
    'ANALYZE',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
