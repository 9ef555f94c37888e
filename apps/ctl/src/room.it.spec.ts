import { EVENT_STATUS, migrateToLatest, openDatabase, type Database } from '@atoll/database';
import { type PlacedRow, RoomRows } from '@atoll/database/testing';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { EventId, RoomId, ServerName, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ctl } from './ctl.spec-support.js';

const ROOM = '!room:example.org' as RoomId;
const ALICE = '@alice:example.org' as UserId;
const BOB = '@bob:other.example' as UserId;

let server: TestDatabase;
let database: Database;
let topics: { ours: PlacedRow; theirs: PlacedRow };
let merge: PlacedRow;

beforeAll(async () => {
  server = await testDatabase();
  process.env['ATOLL_DATABASE_URL'] = server.url;
  process.env['ATOLL_SERVER_NAME'] = 'example.org';
  database = openDatabase({ url: server.url, poolSize: 2, applicationName: 'ctl-room-spec' });
  await migrateToLatest(database.db);
  const room = await RoomRows.create(database, { roomId: ROOM, version: '11' });
  const create = await room.state('m.room.create', ALICE, { room_version: '11' });
  const alice = await room.event({
    ...{ type: 'm.room.member', sender: ALICE, stateKey: ALICE, content: { membership: 'join' } },
    ...{ prevEvents: [create], authEvents: [create] },
  });
  const levels = await room.event({
    ...{ type: 'm.room.power_levels', sender: ALICE, stateKey: '', content: { users: { [ALICE]: 100 } } },
    ...{ prevEvents: [alice], authEvents: [create, alice] },
  });
  const bob = await room.event({
    ...{ type: 'm.room.member', sender: BOB, stateKey: BOB, content: { membership: 'join' } },
    ...{ prevEvents: [levels], authEvents: [create, levels] },
  });
  const topic = {
    ...{ type: 'm.room.topic', stateKey: '', prevEvents: [bob] },
    content: { topic: 'x' },
  };
  const ours = await room.event({ ...topic, sender: ALICE, authEvents: [create, levels, alice] });
  const topicType = await database.db
    .selectFrom('event_types')
    .select('type_nid')
    .where('type', '=', 'm.room.topic')
    .executeTakeFirstOrThrow();
  const theirs = await room.event({
    ...{ ...topic, sender: BOB, authEvents: [create, levels, bob], fork: { basePosition: bob.position } },
  });
  merge = await room.event({
    ...{ type: 'm.room.message', sender: ALICE, prevEvents: [ours, theirs] },
    fork: { basePosition: bob.position, overrides: [[topicType.type_nid, 1, ours.eventNid]] },
  });
  topics = { ours, theirs };
  await room.event({ type: 'm.room.message', sender: BOB, status: EVENT_STATUS.softFailed });
  await room.event({ type: 'm.room.message', sender: BOB, status: EVENT_STATUS.rejected });
  await room.missHistory();
  const { db } = database;
  await db
    .insertInto('room_heads')
    .values({ room_nid: room.roomNid, extremities: [merge.eventNid], depth: 9 })
    .execute();
  await db
    .insertInto('partitions')
    .values({ kind: 'room-state', partition: 0, owner: 'one', epoch: 1 })
    .execute();
  await db
    .insertInto('state_resets')
    .values({
      room_nid: room.roomNid,
      cause_event_nid: theirs.eventNid,
      changes: JSON.stringify([{ type: 'm.room.member', stateKey: BOB, before: bob.eventId, after: null }]),
    })
    .execute();
  const staged = {
    room_id: ROOM,
    partition: 0,
    origin: 'other.example' as ServerName,
    json: '{}',
    received_ts: 0,
  };
  await db
    .insertInto('staged_pdus')
    .values([
      { ...staged, event_id: '$a' as EventId, tries: 3, retry_at: 9_999_999_999_999 },
      { ...staged, event_id: '$b' as EventId },
    ])
    .execute();
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

/** The cells of every line that a command printed. */
const cells = async (...args: string[]): Promise<string[][]> =>
  (await ctl(...args)).split('\n').map((line) => line.split(/ {2,}/));

describe('ctl room', () => {
  test('shows what a room stands on', async () => {
    const lines = await cells('room', ROOM);
    for (const line of [
      ['ROOM', ROOM],
      ['version', '11'],
      ['owner', 'one (not alive)'],
      ['missing predecessors', '1'],
      ['staged PDUs', '2'],
      ['oldest staged', '1970-01-01T00:00:00.000Z'],
      ['most tries', '3'],
      ['next try', 'now'],
      ['soft-failed of the last 1000', '1'],
      ['rejected of the last 1000', '1'],
      ['example.org', '1'],
      ['other.example', '1'],
    ]) {
      expect(lines).toContainEqual(line);
    }
    const head = [merge.eventId, 'm.room.message', ALICE, String(merge.position)];
    expect(lines).toContainEqual([...head, expect.stringMatching(/^1970-/)]);
  });

  test('lists resets', async () => {
    const lines = await cells('room', 'resets', ROOM);
    expect(lines[1]).toEqual([
      expect.stringMatching(/^20/),
      topics.theirs.eventId,
      'm.room.member',
      BOB,
      expect.stringMatching(/^\$/),
      '-',
    ]);
  });

  test('explains what became of branches', async () => {
    const { ours, theirs } = topics;
    const lines = await cells('room', 'explain', ROOM, merge.eventId);
    expect(lines).toContainEqual(['m.room.topic ""', 'held', `after ${ours.eventId}`, ours.eventId]);
    expect(lines).toContainEqual(['', 'held', `after ${theirs.eventId}`, theirs.eventId]);
    expect(lines).toContainEqual(['', 'checked', 'mainline', ours.eventId, 'allowed']);
    const rejected = lines.find(([, what, , id]) => what === 'checked' && id === theirs.eventId);
    expect(rejected?.[4]).toMatch(/^rejected by rule 7: /);
    expect(lines).toContainEqual(['', 'outcome', ours.eventId, 'last-allowed']);
    expect(lines.at(-2)).toEqual(['nothing was in conflict']);
  });

  test('explains what became of the room when a branch came in', async () => {
    const lines = await cells('room', 'explain', ROOM, topics.theirs.eventId);
    expect(lines).toContainEqual(['nothing was resolved: less than two states are known']);
    expect(lines).toContainEqual(['m.room.topic ""', 'held', 'the room before it', topics.ours.eventId]);
  });

  test('lets staged events be tried again', async () => {
    expect(await cells('staged', 'retry', ROOM)).toEqual([
      ['1 staged PDUs are tried within ten seconds'],
      [''],
    ]);
    await expect(cells('staged', 'retry', ROOM)).rejects.toThrow('no staged PDU');
  });

  test('refuses what it does not know', async () => {
    await expect(cells('room', 'nonsense')).rejects.toThrow('is no room id');
    await expect(cells('room', '!unknown:example.org')).rejects.toThrow('is not known here');
    await expect(cells('room', 'explain', ROOM, '$nothing')).rejects.toThrow('is no event of this room');
  });
});
