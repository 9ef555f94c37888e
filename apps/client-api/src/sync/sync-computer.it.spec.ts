import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { loadConfig } from '@atoll/config';
import {
  AccountDataReader,
  AggregationReader,
  currentPositions,
  type Database,
  DeviceListReader,
  EventReader,
  HeroReader,
  HistoryReader,
  KeyCountReader,
  migrateToLatest,
  openDatabase,
  PresenceReader,
  ProfileReader,
  ReceiptReader,
  RoomReader,
  SharedRoomReader,
  StateReader,
  StrippedStateReader,
  SyncMembershipReader,
  SyncStateReader,
  SyncTimelineReader,
  ToDeviceReader,
  TypingReader,
  UnreadCounter,
  UnreadStandingReader,
  VisibilityReader,
} from '@atoll/database';
import { RoomRows } from '@atoll/database/testing';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { DeviceId, RoomId, ServerName, UserId } from '@atoll/matrix';
import { ClientEvents } from '../events/client-events.js';
import { IgnoredUsers } from '../events/ignored-users.js';
import { VisibleEvents } from '../events/visible-events.js';
import { DeviceListChanges } from '../keys/news/device-list-changes.js';
import { KeyNews } from '../keys/news/key-news.js';
import { BundledAggregations } from '../relations/bundled-aggregations.js';
import { CountedChildrenOf } from '../relations/counted-children.js';
import { RelatedEvents } from '../relations/related-events.js';
import { DeviceInbox } from './device-inbox.js';
import { PresenceEvents } from './presence-events.js';
import { EphemeralEvents } from './rooms/ephemeral-events.js';
import { RoomSections } from './rooms/room-sections.js';
import { RoomStates } from './rooms/room-states.js';
import { RoomSummaries } from './rooms/room-summary.js';
import { SentMembers } from './rooms/sent-members.js';
import { StrippedRooms } from './rooms/stripped-rooms.js';
import { UnreadNotificationsLoader } from './rooms/unread-notifications.js';
import { UnwantedInviters } from './rooms/unwanted-inviters.js';
import { TimelineFiller } from './rooms/timeline-filler.js';
import { TimelineGaps } from './rooms/timeline-gaps.js';
import type { SyncAnswer } from './sync-app.spec-support.js';
import { WaitingSyncs } from './waiting/waiting-syncs.js';
import { SyncComputer } from './sync-computer.js';
import { compileSyncFilter } from './sync-filter.js';
import type { SyncRequest } from './sync-request.js';
import { decodeSyncToken } from './sync-token.js';

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
    since: since === undefined ? undefined : decodeSyncToken(since)?.positions,
    chain: since === undefined ? undefined : decodeSyncToken(since)?.chain,
    fullState: false,
    stateField: 'state',
    toDevice: true,
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

  /** As the push service does. */
  async function countAll(): Promise<void> {
    const { events, receipts } = await currentPositions(database.db);
    const cursor = { partition: 0, events_position: events, receipts_position: receipts };
    await database.db.insertInto('push_cursors').values(cursor).execute();
  }

  it('takes as many queries for many rooms as for two, and few when nothing happened', async () => {
    const few = '@few:x' as UserId;
    for (const name of ['a', 'b']) await joinedRoom(few, name);
    const many = '@many:x' as UserId;
    for (let i = 0; i < 30; i++) await joinedRoom(many, `many${i}`);
    await countAll();
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
    expect(first.next_batch).toBe(since);
    expect(first).not.toHaveProperty('rooms');
    const second = await compute(alice, first.next_batch);
    expect(second.rooms?.leave?.[room.roomId]?.timeline.events).toHaveLength(3);
  });

  it('sums up children only as far as it tells', async () => {
    const user = '@thread:x' as UserId;
    const room = await joinedRoom(user, 'thread');
    const { eventId } = await room.message(user, 'root');
    const reply = () =>
      room.event({
        type: 'm.room.message',
        sender: user,
        content: { 'm.relates_to': { rel_type: 'm.thread', event_id: eventId } },
      });
    await reply();
    const { positions: to } = await computer.compute(request(user));
    await reply();
    const filter = compileSyncFilter({ room: { timeline: { limit: 2 } } });
    const { body } = await computer.compute({ ...request(user), filter }, to);
    const [root] = (JSON.parse(body) as SyncAnswer).rooms?.join?.[room.roomId]?.timeline.events ?? [];
    expect(root).toMatchObject({
      event_id: eventId,
      unsigned: { 'm.relations': { 'm.thread': { count: 1 } } },
    });
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
  const config = loadConfig({ ATOLL_SERVER_NAME: 'x' });
  const events = new EventReader(database);
  const states = new SyncStateReader(database);
  const timelines = new SyncTimelineReader(database);
  const visibility = new VisibilityReader(database);
  const visible = new VisibleEvents(visibility);
  const ignored = new IgnoredUsers(new AccountDataReader(database));
  const aggregationReader = new AggregationReader(database);
  const counted = new CountedChildrenOf(visibility, ignored);
  const aggregations = new BundledAggregations(aggregationReader, events, visible, counted);
  const sent = new SentMembers();
  const receipts = new ReceiptReader(database);
  const ephemeral = new EphemeralEvents(receipts, new TypingReader(database));
  const sections = new RoomSections(
    new TimelineFiller(
      timelines,
      events,
      visible,
      new TimelineGaps(timelines, { serverName: 'x' as ServerName }),
      new RelatedEvents(aggregationReader, counted),
    ),
    new HistoryReader(database),
    new RoomStates(states, events),
    new RoomSummaries(new RoomReader(database), states, events, new HeroReader(database)),
    new ClientEvents(visible, new StateReader(database), events, aggregations),
    ephemeral,
    new UnreadNotificationsLoader(
      new UnreadCounter(database, config),
      new UnreadStandingReader(database),
      receipts,
    ),
  );
  return new SyncComputer(
    database,
    memberships,
    timelines,
    visibility,
    new AccountDataReader(database),
    sections,
    ephemeral,
    new PresenceEvents(config, new PresenceReader(database), new ProfileReader(database)),
    new StrippedRooms(
      states,
      events,
      new StrippedStateReader(database),
      new UnwantedInviters(new AccountDataReader(database), config),
    ),
    sent,
    ignored,
    new DeviceInbox(new ToDeviceReader(database)),
    new KeyNews(
      new DeviceListChanges(new DeviceListReader(database), new SharedRoomReader(database)),
      new KeyCountReader(database),
    ),
    new WaitingSyncs(),
    config,
  );
}
