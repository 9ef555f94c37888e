import { migrateToLatest, openDatabase, type Database } from '@atoll/database';
import { type PlacedRow, RoomRows } from '@atoll/database/testing';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { RoomId, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { ctl } from './ctl.spec-support.js';

const ROOM = '!room:example.org' as RoomId;
const OTHER = '!other:example.org' as RoomId;
const ALICE = '@alice:example.org' as UserId;

let server: TestDatabase;
let database: Database;
let message: PlacedRow;
let elsewhere: PlacedRow;

beforeAll(async () => {
  server = await testDatabase();
  process.env['ATOLL_DATABASE_URL'] = server.url;
  process.env['ATOLL_SERVER_NAME'] = 'example.org';
  database = openDatabase({ url: server.url, poolSize: 2, applicationName: 'ctl-rooms-spec' });
  await migrateToLatest(database.db);
  const room = await RoomRows.create(database, { roomId: ROOM });
  message = await room.message(ALICE, 'one');
  elsewhere = await (await RoomRows.create(database, { roomId: OTHER })).message(ALICE, 'two');
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

/** The cells of what `ctl jobs show` prints, by their names. */
async function shown(job: string): Promise<Record<string, string>> {
  const lines = (await ctl('jobs', 'show', job)).split('\n');
  return Object.fromEntries(
    lines.map((line) => line.split(/ {2,}/)).filter((cells) => cells.length === 2),
  ) as Record<string, string>;
}

const end = (status: 'done' | 'failed') =>
  database.pool.query('UPDATE room_jobs SET status = $1, finished_ts = 1 WHERE finished_ts IS NULL', [
    status,
  ]);

describe('ctl rooms', () => {
  test('asks for a purge of history', async () => {
    expect(await ctl('jobs')).toBe('no jobs\n');
    expect(await ctl('rooms', 'purge-history', ROOM, '--before', message.eventId)).toBe(
      'job 1 begins within a second\n',
    );
    expect(await shown('1')).toMatchObject({
      ...{ JOB: '1', kind: 'purge-history', room: ROOM, status: 'scheduled', phase: '-', error: '-' },
      ...{ beforePosition: String(message.position), beforeTs: 'null', deleteLocalEvents: 'false' },
    });
    await expect(ctl('rooms', 'delete', ROOM)).rejects.toThrow('another job');
    await end('done');
    await ctl('rooms', 'purge-history', ROOM, '--before', '2020-01-01T00:00:00Z', '--delete-local-events');
    expect(await shown('3')).toMatchObject({ beforeTs: '1577836800000', deleteLocalEvents: 'true' });
    await end('done');
  });

  test('asks for a deletion', async () => {
    await ctl('rooms', 'delete', ROOM, '--block', '--no-purge');
    expect(await shown('4')).toMatchObject({
      ...{ kind: 'delete-room', block: 'true', purge: 'false', force: 'false', purgeAfterMs: '60000' },
    });
    expect(await ctl('jobs')).toMatch(
      /^JOB +KIND +ROOM +STATUS +PHASE +ASKED FOR AT\n4 +delete-room +!room:example.org +scheduled +- +20/,
    );
    await end('done');
  });

  test('goes on with what has failed, and with nothing else', async () => {
    await expect(ctl('jobs', 'retry', '4')).rejects.toThrow('has not failed');
    await ctl('rooms', 'delete', ROOM, '--purge-after', '0');
    await end('failed');
    const [, job] = /^(\d+)/m.exec((await ctl('jobs')).split('\n')[1] ?? '') ?? [];
    expect(await ctl('jobs', 'retry', job ?? '')).toBe(`job ${job ?? ''} goes on within a second\n`);
    expect(await shown(job ?? '')).toMatchObject({ status: 'scheduled' });
    await end('done');
  });

  test('cancels what has not ended', async () => {
    await ctl('rooms', 'purge-history', ROOM, '--before', '0');
    const [, job = ''] = /^(\d+)/m.exec((await ctl('jobs')).split('\n')[1] ?? '') ?? [];
    expect(await ctl('jobs', 'cancel', job)).toBe(`job ${job} is cancelled; what it has done stays done\n`);
    expect(await shown(job)).toMatchObject({ status: 'cancelled' });
    await expect(ctl('jobs', 'cancel', job)).rejects.toThrow('has ended');
    await expect(ctl('jobs', 'retry', job)).rejects.toThrow('has not failed');
  });

  test('blocks a room that is not known, and opens it again', async () => {
    const unknown = '!unknown:elsewhere.example';
    await expect(ctl('rooms', 'delete', unknown)).rejects.toThrow('not known here');
    await ctl('rooms', 'delete', unknown, '--block');
    await expect(ctl('rooms', 'unblock', unknown)).rejects.toThrow('is not blocked');
    await database.pool.query('INSERT INTO room_blocks VALUES ($1, true, 1)', [unknown]);
    await expect(ctl('rooms', 'unblock', unknown)).rejects.toThrow('a job of it is not done');
    await end('done');
    expect(await ctl('rooms', 'unblock', unknown)).toBe(`${unknown} can be entered again\n`);
  });

  test('refuses what it does not know', async () => {
    await expect(ctl('rooms', 'delete', 'nonsense')).rejects.toThrow('is no room id');
    await expect(ctl('rooms', 'unblock', 'nonsense')).rejects.toThrow('is no room id');
    await expect(ctl('rooms', 'delete', ROOM, '--purge-after', '-1')).rejects.toThrow(
      'is no number of seconds',
    );
    const before = (point: string) => ctl('rooms', 'purge-history', ROOM, '--before', point);
    await expect(before('someday')).rejects.toThrow('is no event id, date or time');
    await expect(before('$unknown')).rejects.toThrow('is no event of the timeline');
    await expect(before(elsewhere.eventId)).rejects.toThrow('is no event of the timeline');
    await expect(ctl('jobs', 'show', 'x')).rejects.toThrow('is no number of a job');
    await expect(ctl('jobs', 'show', '999')).rejects.toThrow('there is no job 999');
  });
});
