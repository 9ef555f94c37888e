import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { EventId, UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { AggregationReader, type ParentEvent } from './aggregation-reader.js';
import { RelationReader } from './relation-reader.js';
import { ThreadReader } from './thread-reader.js';

/** One room of 100,000 events, of which half relate to others: 10,000 of them to the first. */
const ROOM = 7;
const page: readonly ParentEvent[] = Array.from({ length: 50 }, (_, i) => {
  return { eventNid: i + 1, roomNid: ROOM, eventId: `$${i + 1}` as EventId };
});
const counted = {
  userId: '@user1:x' as UserId,
  ignored: ['@user2:x'],
  visible: [{ roomNid: ROOM, from: 0, to: 100_000 }],
};
const children = { parentId: '$1' as EventId, dir: 'b', from: 90_000, limit: 50 } as const;

describe('the queries of relations in a large room', () => {
  let server: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 1, applicationName: 'relation-queries' });
    await migrateToLatest(database.db);
    await fill(database);
  }, 60_000);

  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  const compiled = (query: {
    compile(executor: Database['db']): { sql: string; parameters: readonly unknown[] };
  }) => query.compile(database.db);
  const reader = () => new RelationReader(database);
  const sums = () => new AggregationReader(database);

  it.each<[string, () => { sql: string; parameters: readonly unknown[] }, string]>([
    [
      'children',
      () => compiled(reader().childrenQuery(ROOM, { ...children, recurse: false })),
      'event_relations_pkey',
    ],
    [
      'children of a type',
      () => compiled(reader().childrenQuery(ROOM, { ...children, relType: 'm.thread', recurse: false })),
      'event_relations_aggregated',
    ],
    [
      'children of an unknown type',
      () => compiled(reader().childrenQuery(ROOM, { ...children, relType: 'constructor', recurse: false })),
      'event_relations_pkey',
    ],
    [
      'children of children',
      () => compiled(reader().childrenQuery(ROOM, { ...children, recurse: true })),
      'event_relations_pkey',
    ],
    [
      'children of children forwards',
      () => compiled(reader().childrenQuery(ROOM, { ...children, dir: 'f', recurse: true })),
      'event_relations_pkey',
    ],
    ['parents with children', () => compiled(sums().withChildrenQuery(page)), 'event_relations_aggregated'],
    ['related parents', () => compiled(sums().relatedQuery(page, {}, counted)), 'event_relations_pkey'],
    [
      'parents of threads of users',
      () => {
        const wanted = { relTypes: ['m.thread', 'm.reference'], senders: ['@user1:x', '@user3:x'] };
        return compiled(sums().relatedQuery(page, wanted, counted));
      },
      'event_relations_aggregated',
    ],
    [
      'parents related by other types',
      () => {
        const relTypes = ['m.annotation', 'org.example.custom'];
        return compiled(sums().relatedQuery(page, { relTypes }, counted));
      },
      'event_relations_pkey',
    ],
    ['threads of parents', () => compiled(sums().threadsQuery(page, counted)), 'event_relations_aggregated'],
    ['edits', () => compiled(sums().editsQuery(page, counted)), 'event_relations_aggregated'],
    ['references', () => compiled(sums().referencesQuery(page, counted)), 'event_relations_aggregated'],
    [
      'threads of a room',
      () => new ThreadReader(database).latestQuery(ROOM, 90_000, 20).compile(),
      'threads_by_latest',
    ],
  ])('%s', async (_name, query, index) => {
    const { sql: text, parameters } = query();
    const { rows } = await database.pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, [...parameters]);
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    expect(plan).toContain(index);
    expect(plan).not.toMatch(/Seq Scan on (events|event_positions|event_relations|threads|redactions)\b/);
    await database.pool.query(text, [...parameters]);
  });
});

/** Children stand after their parents: replies, edits, references and annotations in turn; one in 50 is redacted, as much of other rooms is. */
async function fill({ db }: Database): Promise<void> {
  const parent = `CASE WHEN i % 5 = 0 THEN 1 ELSE greatest(1, i - 1000 - i % 50) END`;
  const statements = [
    `INSERT INTO state_keys (state_key) SELECT '@user' || i || ':x' FROM generate_series(1, 5000) i`,
    `INSERT INTO events (event_nid, event_id, room_nid, type_nid, sender_nid, depth, origin_server_ts, status, json)
      SELECT i, '$' || i, ${ROOM}, 6, 100 + i % 50, i, i, 0, '{}' FROM generate_series(1, 100000) i`,
    'INSERT INTO event_positions (position, event_nid, room_nid) SELECT event_nid, event_nid, room_nid FROM events',
    `INSERT INTO event_relations (room_nid, position, event_nid, sender_nid, type_nid, rel_type_nid, parent_event_id)
      SELECT ${ROOM}, i, i, 100 + i % 50, 6, 1 + i / 2 % 4, '$' || ${parent} FROM generate_series(2, 100000, 2) i`,
    `INSERT INTO threads (room_nid, root_event_id, latest_position)
      SELECT room_nid, parent_event_id, max(position) FROM event_relations WHERE rel_type_nid = 1 GROUP BY room_nid, parent_event_id`,
    'INSERT INTO redactions SELECT i, i + 1 FROM generate_series(2, 99999, 100) i',
    'INSERT INTO redactions SELECT i, i + 1 FROM generate_series(200001, 240000) i',
    'ANALYZE',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
