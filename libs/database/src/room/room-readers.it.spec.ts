import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { RoomId, UserId } from '@atoll/matrix';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { EMPTY_STATE_KEY_NID, EVENT_STATUS, EVENT_TYPE_NIDS } from '../schema/event.table.js';
import { EventReader } from './event-reader.js';
import { type Membership, RoomReader } from './room-reader.js';
import { type PlacedRow, RoomRows } from './room-rows.js';
import { StateReader } from './state-reader.js';
import type { StoredEvent } from './stored-event.js';
import { pointAt } from './timeline-point.js';
import { VisibilityReader } from './visibility-reader.js';

const alice = '@alice:a.example' as UserId;
const bob = '@bob:a.example' as UserId;

describe('the readers of rooms', () => {
  let server: TestDatabase;
  let database: Database;
  let room: RoomRows;
  const at: Record<string, PlacedRow> = {};
  const positionOf = (name: string): number => at[name]?.position ?? NaN;

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 4, applicationName: 'room-readers' });
    await migrateToLatest(database.db);
    room = await RoomRows.create(database, { roomId: '!readers:a.example' as RoomId });
    const noise = await RoomRows.create(database, { roomId: '!noise:a.example' as RoomId, version: '11' });
    at['create'] = await room.state('m.room.create', alice, {});
    at['alice'] = await room.member(alice, 'join');
    await noise.member(alice, 'leave');
    at['name'] = await room.state('m.room.name', alice, { name: 'first' });
    at['hello'] = await room.event({
      type: 'm.room.message',
      sender: alice,
      content: { body: 'nul \u0000 inside' },
      transaction: { deviceId: 'PHONE', scope: 'send', id: 'txn1' },
    });
    at['bob invited'] = await room.member(bob, 'invite', alice);
    at['bob joined'] = await room.member(bob, 'join');
    at['renamed'] = await room.state('m.room.name', bob, { name: 'second' });
    at['soft'] = await room.event({ type: 'm.room.message', sender: bob, status: EVENT_STATUS.softFailed });
    at['redaction'] = await room.event({ type: 'm.room.redaction', sender: alice, redacts: at['hello'] });
  });

  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  it('find rooms by id and by nid', async () => {
    const rooms = new RoomReader(database);
    const found = await rooms.byId(room.roomId);
    expect(found).toEqual({
      roomNid: room.roomNid,
      roomId: room.roomId,
      version: '12',
      partition: 0,
      inDirectory: false,
    });
    expect((await rooms.byNids([room.roomNid, 999])).get(room.roomNid)).toEqual(found);
    expect(await rooms.byId('!other:a.example' as RoomId)).toBeUndefined();
  });

  it('know memberships, joined rooms and counts', async () => {
    const rooms = new RoomReader(database);
    expect(await rooms.membershipOf(bob, room.roomNid)).toEqual({
      roomNid: room.roomNid,
      membership: 'join',
      eventNid: at['bob joined']?.eventNid,
      position: positionOf('bob joined'),
      forgotten: false,
    });
    expect((await rooms.membershipsOf(alice)).map(({ membership }) => membership).sort()).toEqual([
      'join',
      'leave',
    ]);
    expect((await rooms.joinedRooms(alice)).map(({ roomId }) => roomId)).toEqual([room.roomId]);
    expect(await rooms.memberCounts([room.roomNid])).toEqual(
      new Map([[room.roomNid, { joined: 2, invited: 0 }]]),
    );
  });

  it('page through the timeline, bounded by points between events', async () => {
    const events = new EventReader(database);
    const page = async (range: Parameters<EventReader['timeline']>[1]) =>
      (await events.timeline(room.roomNid, range)).map(({ position }) => position);
    const invited = positionOf('bob invited');
    const [from, to] = [pointAt(positionOf('name')), pointAt(invited)];
    expect(await page({ dir: 'f', from, to, limit: 10 })).toEqual([positionOf('hello'), invited]);
    expect(await page({ dir: 'b', from: to, to: from, limit: 10 })).toEqual([invited, positionOf('hello')]);
    expect(await page({ dir: 'b', limit: 2 })).toEqual([positionOf('redaction'), positionOf('renamed')]);
    const [event] = (await events.byNids([at['bob invited']?.eventNid ?? 0])).values();
    const { before, after } = await events.aroundEvent(event as StoredEvent, { before: 1, after: 1 });
    expect([before, after].flat().map(({ position }) => position)).toEqual([
      positionOf('hello'),
      positionOf('bob joined'),
    ]);
  });

  it('give an event its redaction and its transaction, and soft-failed ones no position', async () => {
    const events = new EventReader(database);
    const [hello, soft] = [at['hello'], at['soft']].map((row) => row?.eventNid ?? NaN);
    const found = await events.byNids([hello ?? NaN, soft ?? NaN]);
    expect(found.get(hello ?? NaN)).toMatchObject({
      roomVersion: '12',
      pdu: { content: { body: 'nul \u0000 inside' } },
      redactedBecause: { eventId: at['redaction']?.eventId },
      transaction: { deviceId: 'PHONE', id: 'txn1' },
    });
    expect(found.get(soft ?? NaN)).toMatchObject({ position: null, status: 1 });
    expect((await events.byIds([at['name']?.eventId ?? ('' as never)])).size).toBe(1);
  });

  it.each(['10', '12'])(
    'give a redaction redacted where it was redacted itself (version %s)',
    async (version) => {
      const other = await RoomRows.create(database, { roomId: `!abused${version}:x` as RoomId, version });
      const redact = (redacts: PlacedRow, reason: string) => {
        const content = version === '12' ? { redacts: redacts.eventId, reason } : { reason };
        return other.event({ type: 'm.room.redaction', sender: alice, redacts, content });
      };
      const hello = await other.message(alice, 'hello');
      const abuse = await redact(hello, 'abuse');
      const served = async ({ eventId }: PlacedRow) =>
        (await new EventReader(database).byIds([eventId])).get(eventId)?.redactedBecause;
      expect(await served(hello)).toMatchObject({ pdu: { content: { reason: 'abuse' } } });
      const moderation = await redact(abuse, 'that was abuse');
      const kept = version === '12' ? { redacts: hello.eventId } : {};
      expect((await served(hello))?.eventId).toBe(abuse.eventId);
      expect((await served(hello))?.pdu.content).toEqual(kept);
      expect(await served(abuse)).toMatchObject({
        eventId: moderation.eventId,
        pdu: { content: { reason: 'that was abuse' } },
      });
    },
  );

  it('reconstruct the state at every position', async () => {
    const states = new StateReader(database);
    const name = async (position?: number) =>
      (await states.stateEvent(room.roomNid, 'm.room.name', '', position))?.eventNid;
    expect(await name(positionOf('alice'))).toBeUndefined();
    expect(await name(positionOf('name'))).toBe(at['name']?.eventNid);
    expect(await name(positionOf('renamed') - 1)).toBe(at['name']?.eventNid);
    expect(await name(positionOf('renamed'))).toBe(at['renamed']?.eventNid);
    expect(await name()).toBe(at['renamed']?.eventNid);
    expect(await states.currentState(room.roomNid)).toHaveLength(4);
    expect(await states.stateAt(room.roomNid, positionOf('hello'), { types: ['m.room.member'] })).toEqual([
      expect.objectContaining({ stateKey: alice, eventNid: at['alice']?.eventNid }),
    ]);
    expect(await states.currentState(room.roomNid, { types: [] })).toEqual([]);
    const others = await states.currentState(room.roomNid, { notTypes: ['m.room.member'] });
    expect(others.map(({ type }) => type).sort()).toEqual(['m.room.create', 'm.room.name']);
  });

  it('tell what changed between two positions, with the last value only', async () => {
    const delta = await new StateReader(database).stateDelta(
      room.roomNid,
      positionOf('hello'),
      positionOf('bob joined'),
    );
    expect(delta).toEqual([
      {
        type: 'm.room.member',
        stateKey: bob,
        eventNid: at['bob joined']?.eventNid,
        since: positionOf('bob joined'),
      },
    ]);
  });

  it('tell what an event replaced', async () => {
    const nids = ['create', 'renamed', 'bob joined', 'hello'].map((name) => at[name]?.eventNid ?? NaN);
    expect(await new StateReader(database).replacedBy(nids)).toEqual(
      new Map([
        [at['renamed']?.eventNid, at['name']?.eventNid],
        [at['bob joined']?.eventNid, at['bob invited']?.eventNid],
      ]),
    );
  });

  it('list members by membership', async () => {
    const states = new StateReader(database);
    const users = async (...memberships: Membership[]) =>
      (await states.membersOf(room.roomNid, memberships)).map(({ stateKey }) => stateKey).sort();
    expect(await users('join')).toEqual([alice, bob]);
    expect(await users('leave', 'invite')).toEqual([]);
    expect(await users()).toEqual([]);
  });

  it('give the timelines that history visibility is judged by', async () => {
    const timelines = await new VisibilityReader(database).timelines(bob, [room.roomNid]);
    expect(timelines.get(room.roomNid)).toEqual({
      historyVisibility: [],
      membership: [
        { from: positionOf('bob invited'), to: positionOf('bob joined'), value: 'invite' },
        { from: positionOf('bob joined'), to: null, value: 'join' },
      ],
    });
  });

  it('give the state before events of forks, the nearest override first', async () => {
    const bobNid = (
      await database.db.selectFrom('state_keys').selectAll().where('state_key', '=', bob).execute()
    )[0];
    const member = EVENT_TYPE_NIDS['m.room.member'];
    const rows = await RoomRows.create(database, { roomId: '!fork:a.example' as RoomId });
    const joined = await rows.member(bob, 'join');
    const hidden = await rows.state('m.room.history_visibility', alice, { history_visibility: 'joined' });
    const parent = await rows.event({
      type: 'm.room.message',
      sender: alice,
      fork: {
        basePosition: joined.position,
        overrides: [
          [member, bobNid?.state_key_nid ?? 0, null],
          [EVENT_TYPE_NIDS['m.room.history_visibility'], EMPTY_STATE_KEY_NID, hidden.eventNid],
        ],
      },
    });
    const child = await rows.event({
      type: 'm.room.message',
      sender: alice,
      fork: {
        basePosition: joined.position,
        parent,
        overrides: [[member, bobNid?.state_key_nid ?? 0, joined.eventNid]],
      },
    });
    const plain = await rows.event({
      type: 'm.room.message',
      sender: alice,
      fork: { basePosition: joined.position },
    });
    const forks = await new VisibilityReader(database).forks(bob, [
      parent.eventNid,
      child.eventNid,
      plain.eventNid,
    ]);
    const historyVisibility = { value: 'joined' };
    const basePosition = joined.position;
    expect(forks.get(parent.eventNid)).toEqual({
      basePosition,
      historyVisibility,
      membership: { value: undefined },
    });
    expect(forks.get(child.eventNid)).toEqual({
      basePosition,
      historyVisibility,
      membership: { value: 'join' },
    });
    expect(forks.get(plain.eventNid)).toEqual({ basePosition });
    expect(await new VisibilityReader(database).forks(bob, [hidden.eventNid])).toEqual(new Map());
  });
});
