import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { EventId, UserId } from '@atoll/matrix';
import { type RawBuilder, sql } from 'kysely';
import { SharedRoomReader } from '../device-key/shared-room-reader.js';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { RequiredStateReader } from '../sliding-sync/required-state-reader.js';
import { RoomListReader } from '../sliding-sync/room-list-reader.js';
import { StreamChangesReader } from './stream-changes-reader.js';
import { SyncMembershipReader } from './sync-membership-reader.js';
import { SyncStateReader } from './sync-state-reader.js';
import { SyncTimelineReader } from './sync-timeline-reader.js';
import { EventReader } from '../room/event-reader.js';
import { VisibilityReader } from '../room/visibility-reader.js';
import { UnreadStandingReader } from '../unread/unread-standing-reader.js';

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
      'event_positions_by_room',
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
      'events behind gaps',
      (db) =>
        compiled(
          db,
          new SyncTimelineReader(db).behindGapsQuery(
            rooms.map((roomNid) => ({ roomNid, eventNid: roomNid, prevEventId: `$${roomNid}` as EventId })),
          ),
        ),
      'event_positions_event_nid_key',
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
      'newest positions',
      (db) => compiled(db, new RoomListReader(db).newestPositionsQuery(rooms, 40_000)),
      'event_positions_by_room',
    ],
    [
      'bump positions',
      (db) =>
        compiled(
          db,
          new RoomListReader(db).bumpPositionsQuery(
            rooms.slice(0, 20).map((roomNid) => ({ roomNid, upTo: 40_000 })),
            ['m.room.message'],
          ),
        ),
      'events_pkey',
    ],
    [
      'states of some types',
      (db) =>
        compiled(
          db,
          new RequiredStateReader(db).ofTypesQuery(
            rooms.slice(0, 20).map((roomNid) => ({ roomNid, position: 39_990 })),
            ['org.example.1', 'org.example.2'],
          ),
        ),
      'room_state_changes',
    ],
    [
      'changes of events',
      (db) => compiled(db, new StreamChangesReader(db).query('events', 39_990, 2000)),
      'event_positions_pkey',
    ],
    [
      'what is unread',
      (db) =>
        compiled(
          db,
          new UnreadStandingReader(db).standingsQuery(
            rooms.map((roomNid) => ({ userId: '@user3:x' as UserId, roomNid, upTo: 40_000 })),
          ),
        ),
      'event_positions_by_room',
    ],
    [
      'changes of account data',
      (db) => compiled(db, new StreamChangesReader(db).query('account_data', 4990, 2000)),
      'account_data_positions',
    ],
    [
      'changes of device lists',
      (db) => compiled(db, new StreamChangesReader(db).query('device_lists', 4990, 2000)),
      'device_lists_positions',
    ],
    [
      'memberships that changed',
      (db) =>
        compiled(
          db,
          new SharedRoomReader(db).memberChangesQuery('@user3:x' as UserId, rooms, {
            from: 39_900,
            to: 40_000,
          }),
        ),
      'room_state_changes',
    ],
    [
      'memberships of those concerned',
      (db) => compiled(db, new SharedRoomReader(db).membershipsQuery([101, 102, 103], rooms)),
      'memberships_pkey',
    ],
  ])('%s', async (_name, query, index) => {
    const { sql: text, parameters } = query(database).compile();
    const { rows: plan } = await database.pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, [
      ...parameters,
    ]);
    const lines = plan.map((row) => row['QUERY PLAN']).join('\n');
    expect(lines).toContain(index);
    expect(lines).not.toMatch(
      /Seq Scan on (events|event_positions|room_state|memberships|account_data|device_lists)/,
    );
  });

  it('are planned no more once a connection has sent them often', async () => {
    const one = [{ roomNid: 7, from: 39_900, to: 40_000 }];
    const timeline = new SyncTimelineReader(database);
    const questions = [{ userId: '@user3:x' as UserId, roomNid: 7, upTo: 40_000 }];
    const changes = [{ roomNid: 7, since: 39_900, start: 39_900, end: 40_000 }];
    for (let i = 0; i < 20; i += 1) {
      await timeline.changedRooms([7], 39_900, 40_000);
      await timeline.newest(one, 11);
      await new SyncStateReader(database).changes(changes);
      await new UnreadStandingReader(database).standings(questions);
      await new VisibilityReader(database).timelinesQuery('@user3:x' as UserId, [7]).execute();
      await new EventReader(database).byNids([39_999]);
      for (const stream of ['events', 'presence', 'device_lists'] as const)
        await new StreamChangesReader(database).after(stream, 39_999, 2000);
    }
    const { rows } = await database.pool.query<{ statement: string; generic_plans: string }>(
      'SELECT statement, generic_plans FROM pg_prepared_statements',
    );
    const planned = rows.filter(({ generic_plans }) => Number(generic_plans) === 0);
    expect(planned.map(({ statement }) => statement)).toEqual([]);
    expect(rows).toHaveLength(9);
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
    `INSERT INTO events (event_nid, event_id, room_nid, type_nid, sender_nid, depth, origin_server_ts, status, json)
      SELECT i, '$' || i, 1 + i % 50, 6, 100, i, 0, 0, '{}' FROM generate_series(1, 40000) i`,
    `INSERT INTO room_state (room_nid, type_nid, state_key_nid, event_nid, from_position, to_position)
      SELECT room, type, key, nid, nid, lead(nid) OVER (PARTITION BY room, type, key ORDER BY nid)
      FROM (SELECT 1 + i % 50 AS room, CASE i % 2 WHEN 0 THEN 1 ELSE 100 + i % 200 END AS type, 100 + i / 3 % 5000 AS key, i AS nid
        FROM generate_series(1, 40000) i) AS rows`,
    `INSERT INTO memberships (user_nid, room_nid, membership, event_nid, position)
      SELECT 100 + i % 4000, 1 + i / 4000, 'join', i, i FROM generate_series(1, 39999) i`,
    `INSERT INTO users (user_id, created_ts) SELECT '@user' || i || ':x', 0 FROM generate_series(1, 1000) i`,
    `INSERT INTO account_data (user_id, room_id, type, content, position)
      SELECT '@user' || 1 + i % 1000 || ':x', '', 't' || i / 1000, '{}', i FROM generate_series(1, 5000) i`,
    `INSERT INTO device_lists (user_id, seen_by, position) SELECT '@user' || i || ':x', '', i FROM generate_series(1, 5000) i`,
    'ANALYZE',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
