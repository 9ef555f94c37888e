import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { RoomId, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { HistoryReader } from './history-reader.js';
import { RoomRows } from './room-rows.js';
import { StrippedStateReader } from './stripped-state-reader.js';

const ALICE = '@alice:hs1' as UserId;

let server: TestDatabase;
let database: Database;
let rooms: RoomRows[];

beforeAll(async () => {
  server = await testDatabase();
  database = openDatabase({ url: server.url, poolSize: 1, applicationName: 'history-spec' });
  await migrateToLatest(database.db);
  rooms = await Promise.all(
    ['!whole:hs1', '!begins:hs2', '!backfilled:hs2'].map(async (roomId) => {
      const room = await RoomRows.create(database, { roomId: roomId as RoomId });
      await room.member(ALICE, 'join');
      return room;
    }),
  );
});
afterAll(async () => {
  await database.close();
  await server.drop();
});

describe('rooms of other servers', () => {
  it('have history that is missing, or that came later', async () => {
    const [, begins, backfilled] = rooms as [RoomRows, RoomRows, RoomRows];
    await begins.missHistory();
    await backfilled.event({
      type: 'm.room.message',
      sender: ALICE,
      backfilled: true,
      fork: { basePosition: 0 },
    });
    const history = new HistoryReader(database);
    const nids = rooms.map(({ roomNid }) => roomNid);
    expect(await history.withOlder(nids)).toEqual(new Set([begins.roomNid, backfilled.roomNid]));
    expect(await history.withOlder([])).toEqual(new Set());
    expect(await Promise.all(nids.map((nid) => history.isIncomplete(nid)))).toEqual([false, true, false]);
  });

  it('are described with invites to them', async () => {
    const [room] = rooms as [RoomRows];
    const invite = await room.member(ALICE, 'invite');
    const other = await room.member(ALICE, 'knock');
    await room.strippedState(invite, [{ type: 'm.room.name' }, 'as it came']);
    const read = await new StrippedStateReader(database).byNids([invite.eventNid, other.eventNid]);
    expect(read).toEqual(new Map([[invite.eventNid, [{ type: 'm.room.name' }, 'as it came']]]));
  });
});
