import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import {
  AccountDataReader,
  type Database,
  decodeToken,
  EventReader,
  HeroReader,
  HistoryReader,
  migrateToLatest,
  openDatabase,
  RoomReader,
  StateReader,
  StrippedStateReader,
  SyncMembershipReader,
  SyncStateReader,
  SyncTimelineReader,
  VisibilityReader,
} from '@atoll/database';
import { RoomRows } from '@atoll/database/testing';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { DeviceId, RoomId, UserId } from '@atoll/matrix';
import { ClientEvents } from '../events/client-events.js';
import { VisibleEvents } from '../events/visible-events.js';
import { RoomSections } from './rooms/room-sections.js';
import { RoomStates } from './rooms/room-states.js';
import { RoomSummaries } from './rooms/room-summary.js';
import { SentMembers } from './rooms/sent-members.js';
import { StrippedRooms } from './rooms/stripped-rooms.js';
import { TimelineFiller } from './rooms/timeline-filler.js';
import type { SyncAnswer } from './sync-app.spec-support.js';
import { SyncComputer } from './sync-computer.js';
import { compileSyncFilter } from './sync-filter.js';
import type { SyncRequest } from './sync-request.js';

const alice = '@alice:x' as UserId;

describe('SyncComputer', () => {
  let server: TestDatabase;
  let database: Database;
  let memberships: SyncMembershipReader;
  let computer: SyncComputer;
  let queries = 0;

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 4, applicationName: 'sync-computer' });
    await migrateToLatest(database.db);
    memberships = new SyncMembershipReader(database);
    computer = computerOn(database, memberships);
    database.pool.on('acquire', () => queries++);
  });
  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  const request = (user: UserId, since?: string): SyncRequest => ({
    userId: user,
    deviceId: 'PHONE' as DeviceId,
    since: since === undefined ? undefined : decodeToken(since),
    fullState: false,
    stateField: 'state',
    filter: compileSyncFilter({ room: { state: { lazy_load_members: true } } }),
  });
  const compute = async (user: UserId, since?: string): Promise<SyncAnswer> =>
    JSON.parse((await computer.compute(request(user, since))).body) as SyncAnswer;

  async function joinedRoom(user: UserId, name: string): Promise<RoomRows> {
    const room = await RoomRows.create(database, { roomId: `!${name}:x` as RoomId });
    await room.state('m.room.create', user, {});
    await room.member(user, 'join');
    await room.member(`@friend-of-${name}:x` as UserId, 'join');
    for (let i = 0; i < 10; i++) await room.message(user, `m${i}`);
    return room;
  }

  it('takes as many queries for many rooms as for two, and few when nothing happened', async () => {
    const few = '@few:x' as UserId;
    for (const name of ['a', 'b']) await joinedRoom(few, name);
    const many = '@many:x' as UserId;
    for (let i = 0; i < 30; i++) await joinedRoom(many, `many${i}`);
    const counted = async (user: UserId, since?: string) => {
      queries = 0;
      const answer = await compute(user, since);
      return { answer, queries };
    };
    const small = await counted(few);
    const large = await counted(many);
    expect(Object.keys(large.answer.rooms?.join ?? {})).toHaveLength(30);
    expect(large.queries).toBe(small.queries);
    expect(large.queries).toBeLessThan(25);
    expect((await counted(many, large.answer.next_batch)).queries).toBeLessThan(6);
  });

  it('tells nothing of what is committed while it reads, and all of it the next time', async () => {
    const room = await joinedRoom(alice, 'busy');
    const { next_batch: since } = await compute(alice);
    const read = memberships.membershipsAt.bind(memberships);
    const spy = jest.spyOn(memberships, 'membershipsAt').mockImplementationOnce(async (...parameters) => {
      await room.message(alice, 'late');
      await room.state('m.room.name', alice, { name: 'late' });
      await room.member(alice, 'leave');
      return read(...parameters);
    });
    const first = await compute(alice, since);
    spy.mockRestore();
    expect(first).toEqual({ next_batch: since });
    const second = await compute(alice, first.next_batch);
    expect(second.rooms?.leave?.[room.roomId]?.timeline.events).toHaveLength(3);
  });

  it('pages through what a sparse filter leaves out', async () => {
    const user = '@sparse:x' as UserId;
    const room = await joinedRoom(user, 'sparse');
    await room.event({ type: 'org.example.rare', sender: user });
    for (let i = 0; i < 60; i++) await room.message(user, `m${i}`);
    const filter = compileSyncFilter({ room: { timeline: { types: ['org.example.rare'], limit: 2 } } });
    const { body } = await computer.compute({ ...request(user), filter });
    const told = (JSON.parse(body) as SyncAnswer).rooms?.join?.[room.roomId];
    expect(told?.timeline).toMatchObject({ events: [{ type: 'org.example.rare' }], limited: false });
  });
});

function computerOn(database: Database, memberships: SyncMembershipReader): SyncComputer {
  const events = new EventReader(database);
  const states = new SyncStateReader(database);
  const timelines = new SyncTimelineReader(database);
  const visibility = new VisibilityReader(database);
  const visible = new VisibleEvents(visibility);
  const sent = new SentMembers();
  const sections = new RoomSections(
    new TimelineFiller(timelines, events, visible),
    new HistoryReader(database),
    new RoomStates(sent, states, events),
    new RoomSummaries(new RoomReader(database), states, events, new HeroReader(database)),
    new ClientEvents(visible, new StateReader(database), events),
  );
  return new SyncComputer(
    database,
    memberships,
    timelines,
    visibility,
    new AccountDataReader(database),
    sections,
    new StrippedRooms(states, events, new StrippedStateReader(database)),
    sent,
  );
}
