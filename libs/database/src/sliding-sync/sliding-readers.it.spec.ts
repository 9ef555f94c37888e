import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { DeviceId, RoomId, UserId } from '@atoll/matrix';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { type PlacedRow, RoomRows } from '../room/room-rows.js';
import { RequiredStateReader } from './required-state-reader.js';
import { RoomListReader } from './room-list-reader.js';
import { SlidingConnectionReader, type SlidingMemoryKey } from './sliding-connection-reader.js';
import { SlidingConnectionTransactor } from './sliding-connection-transactor.js';

const alice = '@alice:x' as UserId;
const bob = '@bob:x' as UserId;

describe('the readers of sliding sync', () => {
  let server: TestDatabase;
  let database: Database;
  let room: RoomRows;
  let create: PlacedRow;
  let before: PlacedRow;
  let message: PlacedRow;
  let kick: PlacedRow;
  let last: PlacedRow;

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 4, applicationName: 'sliding-readers' });
    await migrateToLatest(database.db);
    room = await RoomRows.create(database, { roomId: '!one:x' as RoomId });
    create = await room.state('m.room.create', alice, { type: 'm.space' });
    await room.member(alice, 'join');
    await room.member(bob, 'join');
    await room.event({ type: 'm.space.child', sender: alice, stateKey: '!a:x', content: { n: 1 } });
    before = await room.event({ type: 'm.space.child', sender: alice, stateKey: '!b:x' });
    await room.event({ type: 'm.space.child', sender: alice, stateKey: '!a:x', content: { n: 2 } });
    message = await room.message(alice, 'hello');
    await room.event({ type: 'm.space.child', sender: alice, stateKey: '!c:x' });
    kick = await room.member(bob, 'leave', alice);
    last = await room.member(alice, 'leave');
  });
  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  it('give the keys of types as they were', async () => {
    const reader = new RequiredStateReader(database);
    const at = async (position: number) => {
      const spans = await reader.ofTypes(
        [{ roomNid: room.roomNid, position }],
        ['m.space.child', 'm.unknown'],
      );
      return spans
        .map(({ stateKey, from }) => `${stateKey} ${from <= before.position ? 'old' : 'new'}`)
        .sort();
    };
    expect(await at(before.position)).toEqual(['!a:x old', '!b:x old']);
    expect(await at(message.position)).toEqual(['!a:x new', '!b:x old']);
    expect(await at(last.position)).toEqual(['!a:x new', '!b:x old', '!c:x new']);
    expect(await at(create.position)).toEqual([]);
  });

  it('give single keys as they were', async () => {
    const reader = new RequiredStateReader(database);
    const keys = [
      { type: 'm.room.member', stateKey: bob },
      { type: 'm.room.create', stateKey: '' },
      { type: 'm.room.create', stateKey: 'other' },
    ];
    const spans = await reader.ofKeys([{ roomNid: room.roomNid, position: message.position }], keys);
    expect(spans.map(({ type }) => type).sort()).toEqual(['m.room.create', 'm.room.member']);
    const [now] = await reader.ofKeys([{ roomNid: room.roomNid, position: last.position }], keys.slice(0, 1));
    expect(now?.eventNid).toBe(kick.eventNid);
  });

  it('give activity, and what it was', async () => {
    const reader = new RoomListReader(database);
    const nid = room.roomNid;
    expect(await reader.newestPositions([nid, 999], last.position)).toEqual(new Map([[nid, last.position]]));
    expect((await reader.newestPositions([nid], message.position)).get(nid)).toBe(message.position);
    const bumpAt = async (upTo: number, types: string[]) =>
      (await reader.bumpPositions([{ roomNid: nid, upTo }], types)).get(nid);
    const bumping = ['m.room.message', 'm.room.create'];
    expect(await bumpAt(last.position, bumping)).toEqual({ position: message.position, isFound: true });
    expect(await bumpAt(before.position, bumping)).toEqual({ position: create.position, isFound: true });
    expect(await bumpAt(last.position, ['m.none'])).toEqual({ position: create.position, isFound: false });
    expect(await reader.ownDepartures([kick.eventNid, last.eventNid])).toEqual(new Set([last.eventNid]));
    expect(await reader.havingState([nid, 999], 'm.room.create')).toEqual(new Set([nid]));
    expect([...(await reader.createEvents([nid, 999])).keys()]).toEqual([nid]);
  });

  it('keep the memory that a request came with, and those of the newest answers to it', async () => {
    const owner = { userId: alice, deviceId: undefined, connId: 'c' };
    const write = <T>(work: (connections: SlidingConnectionTransactor) => Promise<T>): Promise<T> =>
      database.db.transaction().execute((trx) => work(new SlidingConnectionTransactor(trx)));
    const reader = new SlidingConnectionReader(database);
    const base = (await write((connections) => connections.open(owner, 'base', 1))) as SlidingMemoryKey;
    const advance = (memory: string, from = base) =>
      write((connections) => connections.advance(from, memory, 2));
    const answers = [];
    for (const memory of ['one', 'two', 'three', 'four']) answers.push(await advance(memory));
    const found = await Promise.all(
      [base, ...answers].map(async (key) => key && (await reader.find(owner, key))?.memory),
    );
    expect(found).toEqual(['base', undefined, 'two', 'three', 'four']);
    const [, two] = answers;
    const next = two && (await advance('next', two));
    expect(next && (await reader.find(owner, next))?.memory).toBe('next');
    expect(await reader.find(owner, base)).toBeUndefined();
    expect(await advance('late')).toBeUndefined();
    expect(next && (await reader.find(owner, next))?.memory).toBe('next');
    const gone = { ...owner, deviceId: 'GONE' as DeviceId };
    expect(await write((connections) => connections.open(gone, 'x', 1))).toBeUndefined();
    const stranger = { ...owner, deviceId: 'D' as DeviceId };
    expect(next && (await reader.find(stranger, next))).toBeUndefined();
  });
});
