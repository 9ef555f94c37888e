import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { EventId, RoomId, UserId } from '@atoll/matrix';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { type PlacedRow, RoomRows } from '../room/room-rows.js';
import { HeroReader } from './hero-reader.js';
import { StreamChangesReader } from './stream-changes-reader.js';
import { SyncMembershipReader } from './sync-membership-reader.js';
import { type StateSpan, SyncStateReader } from './sync-state-reader.js';
import { SyncTimelineReader } from './sync-timeline-reader.js';

const alice = '@alice:x' as UserId;
const bob = '@bob:x' as UserId;
const carol = '@carol:x' as UserId;

describe('the readers of sync', () => {
  let server: TestDatabase;
  let database: Database;
  let room: RoomRows;
  let other: RoomRows;
  const at: Record<string, PlacedRow> = {};
  const positionOf = (name: string): number => at[name]?.position ?? NaN;

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 4, applicationName: 'sync-readers' });
    await migrateToLatest(database.db);
    [room, other] = (await Promise.all(
      ['!one:x', '!two:x'].map((roomId) => RoomRows.create(database, { roomId: roomId as RoomId })),
    )) as [RoomRows, RoomRows];
    at['create'] = await room.state('m.room.create', alice, {});
    at['alice'] = await room.member(alice, 'join');
    at['name 1'] = await room.state('m.room.name', alice, { name: '1' });
    at['bob'] = await room.member(bob, 'invite', alice);
    at['elsewhere'] = await other.state('m.room.create', alice, {});
    at['name 2'] = await room.state('m.room.name', alice, { name: '2' });
    at['bob joins'] = await room.member(bob, 'join');
    at['topic'] = await room.state('m.room.topic', bob, { topic: 't' });
    at['name 3'] = await room.state('m.room.name', alice, { name: '3' });
    at['carol'] = await room.member(carol, 'join');
    at['carol left'] = await room.member(carol, 'leave');
    at['hello'] = await room.message(alice, 'hello');
  });

  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  const namesOf = (spans: readonly StateSpan[]) =>
    spans
      .map(({ eventNid }) => Object.keys(at).find((name) => at[name]?.eventNid === eventNid) ?? '?')
      .sort();

  it('find memberships as of a position', async () => {
    const reader = new SyncMembershipReader(database);
    const membershipsAt = async (name: string) =>
      (await reader.membershipsAt(bob, positionOf(name))).map(({ membership, position }) => [
        membership,
        position,
      ]);
    expect(await membershipsAt('alice')).toEqual([]);
    expect(await membershipsAt('name 2')).toEqual([['invite', positionOf('bob')]]);
    expect(await membershipsAt('hello')).toEqual([['join', positionOf('bob joins')]]);
    expect(await reader.membershipsAt('@nobody:x' as UserId, 1000)).toEqual([]);
  });

  it('find the rooms that changed, and the newest entries of each stretch', async () => {
    const reader = new SyncTimelineReader(database);
    const nids = [room.roomNid, other.roomNid];
    expect(await reader.changedRooms(nids, positionOf('elsewhere'), positionOf('hello'))).toEqual(
      new Set([room.roomNid]),
    );
    expect(await reader.changedRooms(nids, positionOf('bob'), positionOf('elsewhere'))).toEqual(
      new Set([other.roomNid]),
    );
    const to = positionOf('topic');
    const pages = await reader.newest(
      nids.map((roomNid) => ({ roomNid, from: positionOf('alice'), to })),
      2,
    );
    expect(pages.get(room.roomNid)?.map(({ position }) => position)).toEqual([to, positionOf('bob joins')]);
    expect(pages.get(other.roomNid)).toHaveLength(1);
  });

  it.each([
    ['name 1', 'hello'],
    ['name 2', 'topic'],
    ['create', 'create'],
    ['topic', 'carol'],
    ['hello', 'hello'],
  ])('find the state spans between %s and %s, as a look at every row does', async (startName, endName) => {
    const reader = new SyncStateReader(database);
    const window = { roomNid: room.roomNid, start: positionOf(startName), end: positionOf(endName) };
    const { rows } = await database.pool.query<{ eventNid: number; type: number; from: number }>(
      `SELECT event_nid AS "eventNid", type_nid AS type, from_position AS "from" FROM room_state
       WHERE room_nid = $1 AND from_position <= $3 AND (to_position IS NULL OR to_position > $2)`,
      [window.roomNid, window.start, window.end],
    );
    const sorted = (spans: readonly { eventNid: number | null }[]) =>
      spans.map(({ eventNid }) => eventNid ?? 0).sort((a, b) => a - b);
    expect(sorted(await reader.complete([{ ...window, members: true }]))).toEqual(sorted(rows));
    const others = rows.filter(({ type }) => type !== 1);
    expect(sorted(await reader.complete([{ ...window, members: false }]))).toEqual(sorted(others));
    const since = positionOf('bob');
    const newer = rows.filter(({ from }) => from > since);
    expect(sorted(await reader.changes([{ ...window, since }]))).toEqual(sorted(newer));
  });

  it('find the events that follow what is missing, or came as history', async () => {
    const history = await room.event({
      type: 'm.room.message',
      sender: bob,
      backfilled: true,
      fork: { basePosition: 0 },
    });
    await room.missHistory('$gone' as EventId);
    const link = ({ roomNid }: RoomRows, name: string, prevEventId: EventId) => ({
      roomNid,
      eventNid: at[name]?.eventNid ?? 0,
      prevEventId,
    });
    const eventIdOf = (name: string) => at[name]?.eventId ?? ('' as EventId);
    const found = await new SyncTimelineReader(database).behindGaps([
      link(room, 'name 1', eventIdOf('alice')),
      link(room, 'topic', '$gone' as EventId),
      link(room, 'topic', eventIdOf('bob joins')),
      link(room, 'name 3', history.eventId),
      link(other, 'elsewhere', '$gone' as EventId),
    ]);
    expect(found).toEqual(new Set([at['topic']?.eventNid, at['name 3']?.eventNid]));
  });

  it('find single keys and single members', async () => {
    const reader = new SyncStateReader(database);
    const { roomNid } = room;
    const names = await reader.singles(
      [{ roomNid, position: positionOf('topic') }],
      ['m.room.name', 'm.room.avatar'],
    );
    expect(namesOf(names)).toEqual(['name 2']);
    const window = { roomNid, start: positionOf('name 2'), end: positionOf('topic') };
    const members = await reader.members([
      { ...window, userId: bob },
      { ...window, userId: carol },
    ]);
    expect(namesOf(members)).toEqual(['bob', 'bob joins']);
  });

  it('find whom a room can be called by', async () => {
    const candidates = await new HeroReader(database).candidates(alice, [room.roomNid, other.roomNid], 5);
    expect(candidates).toEqual([
      { roomNid: room.roomNid, userId: bob, membership: 'join' },
      { roomNid: room.roomNid, userId: carol, membership: 'leave' },
    ]);
    const forStrangers = await new HeroReader(database).candidates('@new:x' as UserId, [room.roomNid], 1);
    expect(forStrangers.map(({ userId }) => userId)).toEqual([alice]);
  });

  it('follow the streams, with the members whose state changed', async () => {
    const reader = new StreamChangesReader(database);
    const changes = await reader.after('events', positionOf('name 2'), 2);
    expect(changes).toEqual([
      { position: positionOf('bob joins'), roomNid: room.roomNid, userId: bob },
      { position: positionOf('topic'), roomNid: room.roomNid, userId: null },
    ]);
    expect(await reader.after('events', positionOf('hello'), 10)).toEqual([]);
    expect(await reader.after('account_data', 0, 10)).toEqual([]);
  });
});
