import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { UserId } from '@atoll/matrix';
import { type RawBuilder, sql } from 'kysely';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { StreamChangesReader } from './stream-changes-reader.js';
import { SyncMembershipReader } from './sync-membership-reader.js';
import { SyncStateReader } from './sync-state-reader.js';
import { SyncTimelineReader } from './sync-timeline-reader.js';

describe('the hot queries of sync', () => {
  let server: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 1, applicationName: 'sync-queries' });
    await migrateToLatest(database.db);
    await fill(database);
  });

  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  const rooms = Array.from({ length: 50 }, (_, i) => i + 1);

  it.each<
    [
      string,
      (database: Database) => { compile: () => { sql: string; parameters: readonly unknown[] } },
      string,
    ]
  >([
    [
      'memberships',
      (db) => new SyncMembershipReader(db).newestQuery('@user3:x' as UserId),
      'memberships_pkey',
    ],
    [
      'changed rooms',
      (db) => compiled(db, new SyncTimelineReader(db).changedRoomsQuery(rooms, 39_000, 40_000)),
      'event_positions_pkey',
    ],
    [
      'newest entries',
      (db) =>
        compiled(
          db,
          new SyncTimelineReader(db).newestQuery(
            rooms.map((roomNid) => ({ roomNid, from: 0, to: 40_000 })),
            11,
          ),
        ),
      'event_positions_by_room',
    ],
    [
      'whole states',
      (db) =>
        compiled(
          db,
          new SyncStateReader(db).completeQuery(
            rooms.slice(0, 10).map((roomNid) => ({ roomNid, start: 39_900, end: 40_000, members: false })),
          ),
        ),
      'room_state_pkey',
    ],
    [
      'changes of events',
      (db) => compiled(db, new StreamChangesReader(db).query('events', 39_990, 2000)),
      'event_positions_pkey',
    ],
    [
      'changes of account data',
      (db) => compiled(db, new StreamChangesReader(db).query('account_data', 4990, 2000)),
      'account_data_positions',
    ],
  ])('%s', async (_name, query, index) => {
    const { sql: text, parameters } = query(database).compile();
    const { rows: plan } = await database.pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, [
      ...parameters,
    ]);
    const lines = plan.map((row) => row['QUERY PLAN']).join('\n');
    expect(lines).toContain(index);
    expect(lines).not.toMatch(/Seq Scan on (event_positions|room_state|memberships|account_data)/);
  });
});

function compiled({ db }: Database, query: RawBuilder<unknown>) {
  return { compile: () => query.compile(db) };
}

/** 40,000 events, as many state rows and memberships in 50 rooms. */
async function fill({ db }: Database): Promise<void> {
  const statements = [
    `INSERT INTO state_keys (state_key) SELECT '@user' || i || ':x' FROM generate_series(1, 5000) i`,
    `INSERT INTO event_types (type) SELECT 'org.example.' || i FROM generate_series(1, 200) i`,
    `INSERT INTO rooms (room_id, version, partition, created_ts)
      SELECT '!room' || i || ':x', '12', 0, 0 FROM generate_series(1, 50) i`,
    `INSERT INTO event_positions (position, event_nid, room_nid) SELECT i, i, 1 + i % 50 FROM generate_series(1, 40000) i`,
    `INSERT INTO room_state (room_nid, type_nid, state_key_nid, event_nid, from_position, to_position)
      SELECT room, type, key, nid, nid, lead(nid) OVER (PARTITION BY room, type, key ORDER BY nid)
      FROM (SELECT 1 + i % 50 AS room, CASE i % 2 WHEN 0 THEN 1 ELSE 100 + i % 200 END AS type, 100 + i / 3 % 5000 AS key, i AS nid
        FROM generate_series(1, 40000) i) AS rows`,
    `INSERT INTO memberships (user_nid, room_nid, membership, event_nid, position)
      SELECT 100 + i % 4000, 1 + i / 4000, 'join', i, i FROM generate_series(1, 39999) i`,
    `INSERT INTO users (user_id, created_ts) SELECT '@user' || i || ':x', 0 FROM generate_series(1, 1000) i`,
    `INSERT INTO account_data (user_id, room_id, type, content, position)
      SELECT '@user' || 1 + i % 1000 || ':x', '', 't' || i / 1000, '{}', i FROM generate_series(1, 5000) i`,
    'ANALYZE',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
