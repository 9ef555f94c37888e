import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { RoomId, ServerName, UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { RoomRows } from '../room/room-rows.js';
import { DestinationReader } from './destination-reader.js';
import { DestinationTransactor, type RoutedRoom } from './destination-transactor.js';
import { MissedEventsReader } from './missed-events-reader.js';

const alice = '@alice:a.example' as UserId;
const bob = '@bob:b.example' as UserId;
const B = 'b.example' as ServerName;
const C = 'c.example' as ServerName;

describe('what a destination is owed', () => {
  let server: TestDatabase;
  let database: Database;
  let rooms = 0;

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 4, applicationName: 'missed-events' });
    await migrateToLatest(database.db);
  });
  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  const newRoom = () => RoomRows.create(database, { roomId: `!room${(rooms += 1)}:a.example` as RoomId });
  const write = <T>(work: (transactor: DestinationTransactor) => Promise<T>) =>
    database.db.transaction().execute((trx) => work(new DestinationTransactor(trx)));
  const routed = (destination: ServerName, roomNid: number, first: number, newest = first): RoutedRoom => ({
    destination,
    partition: 0,
    roomNid,
    first,
    newest,
  });
  const acknowledge = (destination: ServerName, acknowledged: number) =>
    write((transactor) => transactor.record([{ destination, partition: 0, acknowledged, toDevice: 0 }]));
  const missed = (destination: ServerName) =>
    new MissedEventsReader(database, 'a.example' as ServerName).of(destination);
  const positions = async (destination: ServerName) =>
    (await missed(destination)).events.map(({ position }) => position);

  it('begins with the first event for it, and moves over what is for others', async () => {
    const room = await newRoom();
    const [before, first] = [await room.message(alice, 'before'), await room.message(alice, 'first')];
    const [row] = await write((transactor) => transactor.route([routed(B, room.roomNid, first.position)]));
    const known = { destination: B, sentPosition: before.position, failure: undefined };
    expect(row).toEqual({ ...known, owesDeviceLists: false });
    expect(await positions(B)).toEqual([first.position]);
    await acknowledge(B, first.position);
    expect(await positions(B)).toEqual([]);
    const between = await room.message(alice, 'for others');
    const next = await room.message(alice, 'next');
    const again = () => write((transactor) => transactor.route([routed(B, room.roomNid, next.position)]));
    expect((await again())[0]?.sentPosition).toBe(between.position);
    expect((await again())[0]?.sentPosition).toBe(between.position);
    await acknowledge(B, next.position);
    // The stream is read again after a restart.
    await write((transactor) => transactor.route([routed(B, room.roomNid, first.position, next.position)]));
    expect(await positions(B)).toEqual([]);
  });

  it('is what this server says, from behind the last time that its users came or went', async () => {
    const room = await newRoom();
    const first = await room.message(alice, 'while bob was here');
    await room.member(bob, 'leave', alice);
    await room.message(alice, 'not for bob');
    await room.member(bob, 'join');
    await room.message(bob, 'by bob');
    const one = await room.message(alice, 'one');
    await room.message('@carol:c.example' as UserId, 'by another');
    const two = await room.message(alice, 'two');
    await write((transactor) => transactor.route([routed(B, room.roomNid, first.position, two.position)]));
    expect(await positions(B)).toEqual([one.position, two.position]);
    await acknowledge(B, two.position);
  });

  it('is looked for in a bounded part of a room, and in a bounded number of rooms', async () => {
    const long = await newRoom();
    const first = await long.message(alice, 'first');
    await sql`INSERT INTO events SELECT 5000000 + i, '$remote' || i, ${long.roomNid}, 6, NULL, (
        SELECT state_key_nid FROM state_keys WHERE state_key = ${bob}), i, i, 0, NULL, '{}'
      FROM generate_series(1, 250) i`.execute(database.db);
    await sql`INSERT INTO event_positions SELECT nextval('events_position'), 5000000 + i, ${long.roomNid}
      FROM generate_series(1, 250) i`.execute(database.db);
    const last = await long.message(alice, 'last');
    await write((transactor) => transactor.route([routed(C, long.roomNid, first.position, last.position)]));
    expect(await positions(C)).toEqual([last.position]);
    await acknowledge(C, last.position);

    const newest: number[] = [];
    for (let i = 0; i < 101; i++) {
      const room = await newRoom();
      const [one, two] = [await room.message(alice, 'one'), await room.message(alice, 'two')];
      await write((transactor) => transactor.route([routed(C, room.roomNid, one.position, two.position)]));
      newest.push(two.position);
    }
    const { events, upTo, isTruncated } = await missed(C);
    expect(events.map(({ position }) => position)).toEqual(newest.slice(0, 100));
    expect([upTo, isTruncated]).toEqual([newest[99], true]);
    await acknowledge(C, upTo);
    expect(await missed(C)).toMatchObject({ upTo: newest[100], isTruncated: false });
    expect(await positions(C)).toHaveLength(2);
  });

  it('is known of those that work and of those whose back-off is over', async () => {
    const destinations = new DestinationReader(database);
    const room = await newRoom();
    const { position } = await room.message(alice, 'owed');
    await write((transactor) => transactor.route([routed(B, room.roomNid, position)]));
    const named = { destination: B, partition: 0 };
    expect(await destinations.owedAndWell([0])).toContainEqual({ ...named, failure: undefined });
    const failure = { failingSince: 10, retryAt: 20, retryIntervalMs: 5 };
    await write((transactor) => transactor.record([{ ...named, failure }]));
    expect(await destinations.retriable([0], 19)).toEqual([]);
    expect(await destinations.retriable([0], 20)).toEqual([{ ...named, failure }]);
    expect(await destinations.retriable([1], 20)).toEqual([]);
    expect((await destinations.owedAndWell([0])).map(({ destination }) => destination)).not.toContain(B);
    expect(await destinations.countFailing([0])).toBe(1);
  });
});
