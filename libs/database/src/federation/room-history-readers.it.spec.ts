import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { EventId, RoomId, ServerName, UserId } from '@atoll/matrix';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { type PlacedRow, RoomRows } from '../room/room-rows.js';
import { EMPTY_STATE_KEY_NID, EVENT_STATUS, EVENT_TYPE_NIDS } from '../schema/event.table.js';
import { AuthChainReader } from './auth-chain-reader.js';
import { EventStateReader } from './event-state-reader.js';
import { EventTextReader } from './event-text-reader.js';
import { RoomServersReader } from './room-servers-reader.js';
import { ServerViewReader } from './server-view-reader.js';

const alice = '@alice:a.example' as UserId;
const bob = '@bob:b.example:8448' as UserId;
const B = 'b.example:8448' as ServerName;
const MEMBER = EVENT_TYPE_NIDS['m.room.member'];
const HISTORY_VISIBILITY = EVENT_TYPE_NIDS['m.room.history_visibility'];

describe('what other servers are told of a room', () => {
  let server: TestDatabase;
  let database: Database;
  const readers = () => ({
    chains: new AuthChainReader(database),
    states: new EventStateReader(database),
    texts: new EventTextReader(database),
    servers: new RoomServersReader(database),
    views: new ServerViewReader(database),
  });

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 4, applicationName: 'room-history' });
    await migrateToLatest(database.db);
  });

  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  async function nidOf(user: UserId): Promise<number> {
    const row = await database.db
      .selectFrom('state_keys')
      .select('state_key_nid')
      .where('state_key', '=', user)
      .executeTakeFirstOrThrow();
    return row.state_key_nid;
  }

  describe('the auth chain', () => {
    const ids = (rows: readonly PlacedRow[]) => rows.map(({ eventNid }) => eventNid).sort();

    it('has every event that authorises another, once, and nothing else', async () => {
      const room = await RoomRows.create(database, { roomId: '!chain:a.example' as RoomId });
      const create = await room.state('m.room.create', alice, {});
      const content = {
        membership: 'join',
        displayname: 'nul \u0000, half \ud83d, whole 😀, "auth_events":[]',
      };
      const joined = await room.event({
        ...{ type: 'm.room.member', sender: alice, stateKey: alice, content },
        authEvents: [create],
      });
      const levels = await room.event({
        ...{ type: 'm.room.power_levels', sender: alice, stateKey: '' },
        authEvents: [create, joined],
      });
      await room.state('m.room.name', alice, { name: 'authorises nothing' });
      const message = await room.event({
        ...{ type: 'm.room.message', sender: alice },
        authEvents: [create, joined, levels],
      });
      const { chains } = readers();
      expect((await chains.of([message.eventNid])).sort()).toEqual(ids([create, joined, levels]));
      expect((await chains.of([levels.eventNid, joined.eventNid])).sort()).toEqual(ids([create]));
      expect((await chains.full([levels.eventNid, joined.eventNid])).sort()).toEqual(ids([create, joined]));
      expect(await chains.of([create.eventNid])).toEqual([]);
      expect(await chains.of([])).toEqual([]);
    });

    it('reads references of room version 1, and never leaves the room', async () => {
      const other = await RoomRows.create(database, { roomId: '!elsewhere:a.example' as RoomId });
      const foreign = await other.state('m.room.create', alice, {});
      const room = await RoomRows.create(database, { roomId: '!old:a.example' as RoomId, version: '1' });
      const create = await room.state('m.room.create', alice, {});
      const references = [create, foreign].map(({ eventId }): [EventId, { sha256: string }] => [
        eventId,
        { sha256: 'x' },
      ]);
      const joined = await room.event({
        ...{ type: 'm.room.member', sender: alice, stateKey: alice, content: { membership: 'join' } },
        pdu: { auth_events: references },
      });
      expect(await readers().chains.of([joined.eventNid])).toEqual([create.eventNid]);
    });
  });

  describe('the state before an event', () => {
    const held = async (eventNid: number) =>
      (await readers().states.before(eventNid))?.map((entry) => entry.eventId).sort();
    const idsOf = (...rows: PlacedRow[]) => rows.map(({ eventId }) => eventId).sort();

    it('is that of the timeline, or of the fork with its overrides, the nearest first', async () => {
      const room = await RoomRows.create(database, { roomId: '!before:a.example' as RoomId });
      const create = await room.state('m.room.create', alice, {});
      const joined = await room.member(alice, 'join');
      const [first, second] = [
        await room.state('m.room.name', alice, { name: '1' }),
        await room.state('m.room.name', alice, { name: '2' }),
      ];
      const seen = await room.state('m.room.history_visibility', alice, { history_visibility: 'joined' });
      const parent = await room.event({
        ...{ type: 'm.room.message', sender: alice },
        fork: {
          basePosition: joined.position,
          overrides: [
            [HISTORY_VISIBILITY, EMPTY_STATE_KEY_NID, seen.eventNid],
            [MEMBER, await nidOf(alice), null],
          ],
        },
      });
      const child = await room.event({
        ...{ type: 'm.room.message', sender: alice },
        fork: {
          ...{ basePosition: joined.position, parent },
          overrides: [[MEMBER, await nidOf(alice), joined.eventNid]],
        },
      });
      expect(await held(create.eventNid)).toEqual([]);
      expect(await held(second.eventNid)).toEqual(idsOf(create, joined, first));
      expect(await held(parent.eventNid)).toEqual(idsOf(create, seen));
      expect(await held(child.eventNid)).toEqual(idsOf(create, seen, joined));
    });

    it('is not known of outliers and of events that do not exist', async () => {
      const room = await RoomRows.create(database, { roomId: '!outliers:a.example' as RoomId });
      const outlier = await room.event({
        ...{ type: 'm.room.name', sender: alice, stateKey: '' },
        status: EVENT_STATUS.outlier,
      });
      expect(await held(outlier.eventNid)).toBeUndefined();
      expect(await held(999_999_999)).toBeUndefined();
    });
  });

  it('texts come as they are stored, with their redaction', async () => {
    const room = await RoomRows.create(database, { roomId: '!texts:a.example' as RoomId, version: '5' });
    const said = await room.message(alice, 'regrettable');
    const kept = await room.message(alice, 'kept');
    await room.event({ type: 'm.room.redaction', sender: alice, redacts: said });
    const { texts } = readers();
    const nids = [said.eventNid, kept.eventNid];
    expect(await texts.byId(said.eventId)).toMatchObject({
      ...{ eventNid: said.eventNid, roomNid: room.roomNid, roomVersion: '5', isRedacted: true },
      json: expect.stringContaining('regrettable'),
    });
    expect(await texts.byIds(room.roomNid, [kept.eventId])).toMatchObject([{ isRedacted: false }]);
    expect(await texts.byIds(room.roomNid + 1, [kept.eventId])).toEqual([]);
    expect((await texts.idsOf(nids)).sort()).toEqual([said.eventId, kept.eventId].sort());
    for await (const page of texts.pages(nids)) expect(page).toHaveLength(2);
  });

  it('a server is in a room while one of its users is joined', async () => {
    const room = await RoomRows.create(database, { roomId: '!servers:a.example' as RoomId });
    await room.member(alice, 'join');
    await room.member('@al:a.example' as UserId, 'join');
    await room.member(bob, 'join');
    await room.member('@gone:c.example' as UserId, 'leave');
    const { servers } = readers();
    const isIn = (name: string) => servers.isInRoom(name as ServerName, room.roomNid);
    expect(await Promise.all(['a.example', B, '8448', 'b.example', 'c.example'].map(isIn))).toEqual([
      ...[true, true],
      ...[false, false, false],
    ]);
    expect(await servers.serversIn(room.roomNid, 5)).toEqual(['a.example', B]);
    const rooms = [room.roomId, '!chain:a.example' as RoomId];
    expect(await servers.roomsOf(B, rooms)).toEqual(new Set([room.roomId]));
  });

  it('history visibility is judged by the state before the event', async () => {
    const room = await RoomRows.create(database, { roomId: '!views:a.example' as RoomId });
    const create = await room.state('m.room.create', alice, {});
    const setting = await room.state('m.room.history_visibility', alice, { history_visibility: 'joined' });
    const early = await room.message(alice, 'before bob');
    const invited = await room.member(bob, 'invite', alice);
    const joined = await room.member(bob, 'join', bob, { displayname: 'nul \u0000' });
    const late = await room.message(alice, 'to bob');
    const left = await room.member(bob, 'leave');
    const after = await room.message(alice, 'without bob');
    const fork = await room.event({
      ...{ type: 'm.room.message', sender: alice },
      fork: {
        basePosition: early.position,
        overrides: [[MEMBER, await nidOf(bob), joined.eventNid]],
      },
    });
    const hidden = await room.event({
      ...{ type: 'm.room.message', sender: alice },
      fork: { basePosition: late.position, overrides: [[MEMBER, await nidOf(bob), null]] },
    });
    const outlier = await room.event({
      ...{ type: 'm.room.name', sender: alice, stateKey: '' },
      status: EVENT_STATUS.outlier,
    });
    const events = [create, setting, early, invited, joined, late, left, after, fork, hidden, outlier];
    const views = await readers().views.before(
      B,
      room.roomNid,
      events.map(({ eventNid }) => eventNid),
    );
    const view = (historyVisibility: string | null, isJoined = false, isInvited = false) => ({
      historyVisibility,
      isJoined,
      isInvited,
    });
    expect(events.map(({ eventNid }) => views.get(eventNid))).toEqual([
      view(null),
      view(null),
      view('joined'),
      view('joined'),
      view('joined', false, true),
      view('joined', true),
      view('joined', true),
      view('joined'),
      view('joined', true),
      view('joined'),
      undefined,
    ]);
  });
});
