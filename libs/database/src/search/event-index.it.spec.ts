import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { RoomId, UserId } from '@atoll/matrix';
import fc from 'fast-check';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { RoomRows } from '../room/room-rows.js';
import { EventIndex } from './event-index.js';
import { EventSearchReader } from './event-search-reader.js';

const ALICE = '@alice:hs1' as UserId;
const ALL_KEYS = ['content.body', 'content.name', 'content.topic'] as const;

let server: TestDatabase;
let database: Database;
let other: Database;
let room: RoomRows;

beforeEach(async () => {
  server = await testDatabase();
  database = openDatabase({ url: server.url, poolSize: 4, applicationName: 'index-spec' });
  other = openDatabase({ url: server.url, poolSize: 2, applicationName: 'doomed' });
  await migrateToLatest(database.db);
  room = await RoomRows.create(database, { roomId: '!room:hs1' as RoomId });
});

afterEach(async () => {
  await Promise.all([database.close(), other.close()]);
  await server.drop();
});

const matches = async (term: string) => {
  const found = await new EventSearchReader(database).newest({
    term,
    keys: ALL_KEYS,
    rooms: [{ roomNid: room.roomNid, until: Number.MAX_SAFE_INTEGER }],
    notSenders: [],
    ignored: [],
    until: Number.MAX_SAFE_INTEGER,
    limit: 1_000,
  });
  return found.map(({ position }) => position);
};

/** Steps until nothing is left. */
async function index(on = database): Promise<void> {
  const events = new EventIndex(on);
  while ((await events.step()) === 'more');
}

async function documents(): Promise<number> {
  const { rows } = await database.pool.query<{ count: number }>('SELECT count(*) AS count FROM event_search');
  return rows[0]?.count ?? 0;
}

describe('the index of events', () => {
  it('holds bodies, names and topics, and nothing else', async () => {
    const body = await room.message(ALICE, 'Reef of CORAL');
    const name = await room.state('m.room.name', ALICE, { name: 'Coral garden' });
    const topic = await room.state('m.room.topic', ALICE, {
      topic: 'x',
      'm.topic': { 'm.text': [{ mimetype: 'text/html', body: 'no' }, { body: 'all about coral' }] },
    });
    await room.event({ type: 'm.room.encrypted', sender: ALICE, content: { body: 'coral' } });
    await room.event({ type: 'm.room.message', sender: ALICE, content: { body: 7 } });
    await room.event({ type: 'm.room.name', sender: ALICE, content: { name: 'coral, but no state' } });
    expect(await new EventIndex(database).isBehind()).toBe(true);
    await index();
    expect(await new EventIndex(database).isBehind()).toBe(false);
    expect(await matches('coral')).toEqual([topic, name, body].map(({ position }) => position));
    expect(await documents()).toBe(3);
    expect(await matches('no')).toEqual([]);
    expect(await matches('reef coral')).toEqual([body.position]);
    expect(await matches(`!${room.roomNid}`)).toEqual([]);
  });

  it('takes any text', async () => {
    const texts = fc.sample(fc.string({ unit: 'binary', maxLength: 300 }), 200);
    texts.push('\ufdfa'.repeat(20_000), "'\\:\0\ud800", '\u0301'.repeat(5_000));
    texts.push(Array.from({ length: 9_000 }, (_, n) => String.fromCodePoint(0x4e00 + n)).join(''));
    for (const text of texts) {
      await room.message(ALICE, text);
      await expect(matches(text)).resolves.toEqual(expect.any(Array));
    }
    await index();
    expect(await documents()).toBe(texts.length);
  });

  it('finds parts of what is written without spaces', async () => {
    const { position } = await room.message(ALICE, '東京都に住んでいます');
    await index();
    for (const part of ['東京', '京都に', '住んで', 'す']) expect(await matches(part)).toEqual([position]);
    expect(await matches('東都')).toEqual([]);
  });

  it('loses what is redacted, before and after it was there', async () => {
    const before = await room.message(ALICE, 'secret one');
    const after = await room.message(ALICE, 'secret two');
    await room.event({ type: 'm.room.redaction', sender: ALICE, redacts: before });
    await index();
    expect(await documents()).toBe(1);
    await room.event({ type: 'm.room.redaction', sender: ALICE, redacts: after });
    // The index does not know yet; who reads it does.
    expect(await documents()).toBe(1);
    expect(await matches('secret')).toEqual([]);
    await index();
    expect(await documents()).toBe(0);
  });

  it('is complete after its writer died, and each batch is written by one', async () => {
    const sent = [];
    for (let n = 0; n < 450; n++) sent.push(await room.message(ALICE, `number ${n}`));
    await new EventIndex(other).step();
    const holder = await database.pool.connect();
    await holder.query('BEGIN; LOCK TABLE event_search IN EXCLUSIVE MODE');
    const dying = new EventIndex(other).step().catch((error: unknown) => error);
    await blocked('doomed');
    expect(await new EventIndex(database).step()).toBe('busy');
    await database.pool.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'doomed'`,
    );
    expect(await dying).toBeInstanceOf(Error);
    await holder.query('ROLLBACK');
    holder.release();
    expect(await documents()).toBe(200);
    await Promise.all([index(), index(other), index()]);
    await index();
    expect(await matches('number')).toEqual(sent.map(({ position }) => position).reverse());
  });

  it('takes in backfilled events, also those that become visible late', async () => {
    await room.message(ALICE, 'old news');
    const backfilled = { type: 'm.room.message', sender: ALICE, content: { body: 'old' }, backfilled: true };
    const positions: number[] = [];
    await database.db.transaction().execute(async (trx) => {
      await room.within(trx).missHistory();
      positions.push((await room.within(trx).event(backfilled)).position);
      positions.push((await room.event(backfilled)).position);
      await index();
      // What was given out may still be on its way.
      await index();
      expect(await documents()).toBe(1);
      expect(await new EventIndex(database).isBehind()).toBe(true);
    });
    for (let n = 0; n < 300; n++) positions.push((await room.event(backfilled)).position);
    // Any transaction of any database holds it up.
    while (await new EventIndex(database).isBehind()) {
      await index();
      await sleep(20);
    }
    expect((await matches('old')).slice(1)).toEqual(positions);
  });
});

async function blocked(applicationName: string): Promise<void> {
  for (;;) {
    const { rowCount } = await database.pool.query(
      `SELECT FROM pg_stat_activity WHERE application_name = $1 AND wait_event_type = 'Lock'`,
      [applicationName],
    );
    if (rowCount !== 0) return;
    await sleep(20);
  }
}
