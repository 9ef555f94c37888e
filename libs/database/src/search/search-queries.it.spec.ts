import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { UserId } from '@atoll/matrix';
import { type RawBuilder, sql } from 'kysely';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { UserDirectoryReader } from '../users/user-directory-reader.js';
import { EventSearchReader } from './event-search-reader.js';

const search = (term: string, rooms: number) => ({
  term,
  keys: ['content.body'] as const,
  rooms: Array.from({ length: rooms }, (_, i) => ({ roomNid: i + 1, until: 1e9 })),
  senders: ['@user1:x'],
  notSenders: ['@user2:x'],
  ignored: ['@user3:x'],
  hasUrl: false,
  until: 1e9,
  limit: 1_000,
});
const USER = '@user7:x' as UserId;
/** In no room at first. */
const LONER = '@loner:x' as UserId;

describe('the plans of searches', () => {
  let server: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 1, applicationName: 'search-queries' });
    await migrateToLatest(database.db);
    await fill(database);
  }, 120_000);

  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  it.each<[string, (database: Database) => RawBuilder<unknown>, string]>([
    [
      'events of one room',
      (db) => new EventSearchReader(db).query(search('w7', 1)),
      'event_search_documents',
    ],
    [
      'events of many rooms',
      (db) => new EventSearchReader(db).query(search('w7 common', 80)),
      'event_search_documents',
    ],
    [
      'users by the beginning of their name',
      (db) => new UserDirectoryReader(db).query(USER, 'name77', 11),
      'user_directory_documents',
    ],
    [
      'users by their id',
      (db) => new UserDirectoryReader(db).query(USER, '@user77', 11),
      'user_directory_documents',
    ],
    [
      'room-mates by the beginning of their name',
      (db) => new UserDirectoryReader(db).roomMatesQuery(USER, 'name', 11),
      'memberships_by_room',
    ],
  ])('%s', async (_name, query, index) => {
    const { sql: text, parameters } = query(database).compile(database.db);
    const { rows: plan } = await database.pool.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, [
      ...parameters,
    ]);
    const lines = plan.map((row) => row['QUERY PLAN']).join('\n');
    expect(lines).toContain(index);
    expect(lines).not.toMatch(/Seq Scan on (event_search|user_directory|memberships|state_keys|users)/);
  });

  it('find few users among 100,000 that many words begin like', async () => {
    const found = await new UserDirectoryReader(database).find(USER, 'name', 11);
    expect(found).toHaveLength(11);
    expect(await new UserDirectoryReader(database).find(USER, 'name77777', 11)).toEqual([
      { userId: '@user77777:x', displayName: 'Name77777', avatarUrl: null },
    ]);
  });

  it('find room-mates that are far behind the best matches', async () => {
    const mates = ['@user99998:x', '@user99999:x'];
    const statements = [
      sql`UPDATE directory_rooms SET is_open = false`,
      sql`INSERT INTO memberships (user_nid, room_nid, membership, event_nid, position)
        SELECT state_key_nid, 1000, 'join', 1, 1 FROM state_keys WHERE state_key = ANY(${[LONER, ...mates]})`,
    ];
    for (const statement of statements) await statement.execute(database.db);
    const found = await new UserDirectoryReader(database).find(LONER, 'name', 11);
    expect(found.map(({ userId }) => userId)).toEqual(mates);
  });
});

/** 40,000 messages in 100 rooms; 100,000 users, each in two rooms. */
async function fill({ db }: Database): Promise<void> {
  const statements = [
    `INSERT INTO state_keys (state_key) SELECT '@user' || i || ':x' FROM generate_series(1, 100000) i`,
    `INSERT INTO state_keys (state_key) VALUES ('@loner:x')`,
    `INSERT INTO event_search (event_nid, room_nid, position, sender_nid, key, has_url, document)
      SELECT i, 1 + i % 100, i, 100 + i % 1000, 1, false,
        (format('''!%s'' ''common'':1 ''w%s'':2', 1 + i % 100, i % 500))::tsvector
      FROM generate_series(1, 40000) i`,
    `INSERT INTO user_directory (user_nid, user_id, display_name, folded_name, document)
      SELECT 99 + i, '@user' || i || ':x', 'Name' || i, 'name' || i,
        (format('''@user%s:x'' ''user%s'':1 ''name%s'':2', i, i, i))::tsvector
      FROM generate_series(1, 100000) i`,
    `INSERT INTO memberships (user_nid, room_nid, membership, event_nid, position)
      SELECT 99 + i, room, 'join', i, i FROM generate_series(1, 100000) i, (VALUES (0), (1)) AS r(n),
        LATERAL (SELECT 1 + (i + n * 7) % 100 AS room) AS l`,
    `INSERT INTO directory_rooms (room_nid, is_open) SELECT i, i % 2 = 0 FROM generate_series(1, 100) i`,
    `INSERT INTO users (user_id, created_ts) SELECT '@user' || i || ':x', 0 FROM generate_series(1, 20000) i`,
    'ANALYZE',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
