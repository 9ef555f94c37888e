import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { ServerName, UserId } from '@atoll/matrix';
import { type Compilable, type RawBuilder, sql } from 'kysely';
import { AuthChainReader } from '../federation/auth-chain-reader.js';
import { ServerViewReader } from '../federation/server-view-reader.js';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { EventReader } from './event-reader.js';
import { StateReader } from './state-reader.js';
import { pointAt } from './timeline-point.js';
import { VisibilityReader } from './visibility-reader.js';

interface PlanNode {
  'Node Type': string;
  'Relation Name'?: string;
  'Index Name'?: string;
  Plans?: PlanNode[];
}

/** Tables that grow without bound: reading one from end to end for a request is a fault. */
const GROWING = new Set([
  'events',
  'event_positions',
  'room_state',
  'state_keys',
  'memberships',
  'redactions',
]);

describe('the hot queries of readers', () => {
  let server: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 1, applicationName: 'hot-queries' });
    await migrateToLatest(database.db);
    await fill(database);
  });

  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  it('EventReader.timeline', async () => {
    const query = new EventReader(database).timelineQuery(7, {
      dir: 'b',
      from: pointAt(30_000),
      to: pointAt(10),
      limit: 20,
    });
    expect(query.compile().sql).toMatchSnapshot();
    expect(await indexesOf(query)).toEqual(
      expect.arrayContaining(['event_positions_by_room', 'event_positions_of_history']),
    );
  });

  it('StateReader.currentState of some types', async () => {
    const query = new StateReader(database).currentStateQuery(7, { types: ['m.room.name'] });
    expect(query.compile().sql).toMatchSnapshot();
    expect(await indexesOf(query)).toContain('room_state_current');
  });

  it('StateReader.stateAt of one key', async () => {
    const filter = { types: ['m.room.member'], stateKeys: ['@user3:a.example'] };
    const query = new StateReader(database).stateAtQuery(7, 30_000, filter);
    expect(query.compile().sql).toMatchSnapshot();
    expect(await indexesOf(query)).toContain('room_state_pkey');
  });

  it('StateReader.stateDelta', async () => {
    const query = new StateReader(database).stateDeltaQuery(7, 39_900, 40_000);
    expect(query.compile().sql).toMatchSnapshot();
    expect(await indexesOf(query)).toContain('room_state_changes');
  });

  it('VisibilityReader.timelines', async () => {
    const query = new VisibilityReader(database).timelinesQuery('@user3:a.example' as UserId, [7, 8, 9]);
    expect(query.compile().sql).toMatchSnapshot();
    expect(await indexesOf(query)).toContain('room_state_pkey');
  });

  it('AuthChainReader.of', async () => {
    const query = compilable(new AuthChainReader(database).fullQuery([1, 2, 3]));
    expect(query.compile().sql).toMatchSnapshot();
    expect(await indexesOf(query)).toContain('events_event_id_key');
  });

  it('ServerViewReader.before', async () => {
    const query = compilable(
      new ServerViewReader(database).beforeQuery('a.example' as ServerName, 7, [7, 27]),
    );
    expect(query.compile().sql).toMatchSnapshot();
    expect(await indexesOf(query)).toContain('memberships_by_room');
  });

  const compilable = (raw: RawBuilder<unknown>): Compilable => ({ compile: () => raw.compile(database.db) });

  /** The names of the indexes in the plan; no growing table is read from end to end. */
  async function indexesOf(query: Compilable): Promise<string[]> {
    const { sql: text, parameters } = query.compile();
    const { rows } = await database.pool.query<{ 'QUERY PLAN': [{ Plan: PlanNode }] }>(
      `EXPLAIN (FORMAT JSON) ${text}`,
      [...parameters],
    );
    const nodes = flatten(rows[0]?.['QUERY PLAN'][0].Plan);
    const scanned = nodes
      .filter((node) => node['Node Type'] === 'Seq Scan')
      .map((node) => node['Relation Name'] ?? '');
    expect(scanned.filter((table) => GROWING.has(table))).toEqual([]);
    return nodes.flatMap((node) => node['Index Name'] ?? []);
  }
});

function flatten(node: PlanNode | undefined): PlanNode[] {
  return node === undefined ? [] : [node, ...(node.Plans ?? []).flatMap(flatten)];
}

/** 40,000 events and as many state rows in 20 rooms, half of them member events. */
async function fill({ db }: Database): Promise<void> {
  await sql`INSERT INTO state_keys (state_key) SELECT '@user' || i || ':a.example' FROM generate_series(1, 5000) i`.execute(
    db,
  );
  await sql`INSERT INTO event_types (type) SELECT 'org.example.' || i FROM generate_series(1, 200) i`.execute(
    db,
  );
  await sql`INSERT INTO rooms (room_id, version, partition, created_ts)
    SELECT '!room' || i || ':a.example', '12', 0, 0 FROM generate_series(1, 20) i`.execute(db);
  await sql`INSERT INTO events (event_nid, event_id, room_nid, type_nid, state_key_nid, sender_nid, depth, origin_server_ts, status, json)
    SELECT i, '$' || i, 1 + i % 20, CASE i % 2 WHEN 0 THEN 1 ELSE 100 + i % 200 END, 100 + i % 5000, 100, i, i, 0, '{}'
    FROM generate_series(1, 40000) i`.execute(db);
  await sql`INSERT INTO event_positions SELECT CASE WHEN event_nid % 9 = 0 THEN -event_nid ELSE event_nid END, event_nid, room_nid,
    CASE WHEN event_nid % 9 = 0 THEN event_nid + 1 END FROM events`.execute(db);
  await sql`INSERT INTO room_state (room_nid, type_nid, state_key_nid, event_nid, from_position, to_position)
    SELECT room_nid, type_nid, state_key_nid, event_nid, event_nid,
      lead(event_nid) OVER (PARTITION BY room_nid, type_nid, state_key_nid ORDER BY event_nid) FROM events`.execute(
    db,
  );
  await sql`INSERT INTO memberships (user_nid, room_nid, membership, event_nid, position)
    SELECT state_key_nid, room_nid, 'join', event_nid, event_nid FROM events WHERE type_nid = 1
    ON CONFLICT DO NOTHING`.execute(db);
  await sql`INSERT INTO redactions SELECT i, i + 1 FROM generate_series(1, 39000, 5) i`.execute(db);
  await sql`ANALYZE`.execute(db);
}
