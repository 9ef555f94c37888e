import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { JsonObject, RoomId, UserId } from '@atoll/matrix';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { type PlacedRow, RoomRows } from '../room/room-rows.js';
import { AggregationReader, type CountedChildren, type WantedChildren } from './aggregation-reader.js';
import { type ChildrenRange, RelationReader } from './relation-reader.js';
import { ThreadReader } from './thread-reader.js';

const [alice, bob, mallory] = ['@alice:x', '@bob:x', '@mallory:x'] as [UserId, UserId, UserId];
let rooms = 0;

describe('readers of relations', () => {
  let server: TestDatabase;
  let database: Database;
  let room: RoomRows;
  let root: PlacedRow;

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 2, applicationName: 'relations' });
    await migrateToLatest(database.db);
  });

  beforeEach(async () => {
    room = await RoomRows.create(database, { roomId: `!room${(rooms += 1)}:x` as RoomId });
    root = await room.message(alice, 'root');
  });

  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  const child = (
    relType: string,
    parent = root,
    more: { sender?: UserId; type?: string } & JsonObject = {},
  ) => {
    const { sender = bob, type = 'm.room.message', ...content } = more;
    const relation = { rel_type: relType, event_id: parent.eventId };
    return room.event({ type, sender, content: { ...content, 'm.relates_to': relation } });
  };
  const redact = (row: PlacedRow) => room.event({ type: 'm.room.redaction', sender: bob, redacts: row });
  const children = (range: Partial<ChildrenRange> = {}) =>
    new RelationReader(database).children(room.roomNid, {
      parentId: root.eventId,
      dir: 'b',
      limit: 10,
      recurse: false,
      ...range,
    });
  const nids = (...rows: PlacedRow[]) => rows.map(({ eventNid }) => eventNid);
  const parent = ({ eventNid, eventId }: PlacedRow) => ({ eventNid, eventId, roomNid: room.roomNid });
  const counted = (more: Partial<CountedChildren> = {}): CountedChildren => ({
    userId: bob,
    ignored: [],
    visible: [{ roomNid: room.roomNid, from: -1_000_000, to: 1_000_000 }],
    ...more,
  });

  describe('RelationReader', () => {
    it('reads the children of one event of the room in either order, up to and from a point', async () => {
      const first = await child('m.thread');
      const second = await child('m.annotation', root, { type: 'm.reaction' });
      const third = await child('m.reference');
      await child('m.thread', first);
      expect(await children()).toEqual(nids(third, second, first));
      expect(await children({ dir: 'f' })).toEqual(nids(first, second, third));
      expect(await children({ limit: 2, from: second.position })).toEqual(nids(second, first));
      expect(await children({ from: second.position, to: first.position })).toEqual(nids(second));
      expect(await children({ dir: 'f', from: first.position, to: second.position })).toEqual(nids(second));
    });

    it('takes children of another room for none', async () => {
      const other = await RoomRows.create(database, { roomId: `!other${rooms}:x` as RoomId });
      const relation = { rel_type: 'm.thread', event_id: root.eventId };
      await other.event({ type: 'm.room.message', sender: bob, content: { 'm.relates_to': relation } });
      expect(await children()).toEqual([]);
      expect(await new AggregationReader(database).withChildren([parent(root)])).toEqual(new Set());
    });

    it('filters by relationship, type and sender', async () => {
      const reply = await child('m.thread');
      const emote = await child('m.thread', root, { type: 'org.example.emote', sender: alice });
      const custom = await child('org.example.custom');
      expect(await children({ relType: 'm.thread' })).toEqual(nids(emote, reply));
      expect(await children({ relType: 'm.thread', eventType: 'org.example.emote' })).toEqual(nids(emote));
      expect(await children({ relType: 'org.example.custom' })).toEqual(nids(custom));
      expect(await children({ sender: alice })).toEqual(nids(emote));
      for (const relType of ['org.example.none', 'constructor', '__proto__']) {
        expect(await children({ relType })).toEqual([]);
      }
    });

    it('goes three levels deep, where each level passes the filter', async () => {
      const one = await child('m.thread');
      const two = await child('m.reference', one);
      const three = await child('m.thread', two);
      await child('m.thread', three);
      const beside = await child('m.thread');
      expect(await children({ recurse: true })).toEqual(nids(beside, three, two, one));
      expect(await children({ recurse: true, relType: 'm.thread' })).toEqual(nids(beside, one));
      expect(await children({ recurse: true, from: three.position, limit: 2 })).toEqual(nids(three, two));
      expect(await children({ recurse: true, dir: 'f', from: one.position, limit: 2 })).toEqual(
        nids(two, three),
      );
    });

    it('leaves out redacted children and what hangs on them', async () => {
      const reply = await child('m.thread');
      await child('m.reference', reply);
      await redact(reply);
      expect(await children({ recurse: true })).toEqual([]);
    });

    it('knows backfilled children, which come first', async () => {
      const reply = await child('m.thread');
      const relation = { rel_type: 'm.thread', event_id: root.eventId };
      const old = await room.event({
        type: 'm.room.message',
        sender: bob,
        content: { 'm.relates_to': relation },
        backfilled: true,
      });
      expect(await children({ dir: 'f' })).toEqual(nids(old, reply));
    });
  });

  describe('AggregationReader', () => {
    const reader = () => new AggregationReader(database);

    it('finds parents whose children are summed up: annotations are not', async () => {
      const [other, plain] = [await room.message(bob, 'other'), await room.message(bob, 'plain')];
      await child('m.annotation', other);
      await child('m.thread');
      expect(await reader().withChildren([root, other, plain].map(parent))).toEqual(new Set(nids(root)));
    });

    it('finds what others relate to, by type and sender, without the redacted, the ignored and the hidden', async () => {
      const [other, plain] = [await room.message(bob, 'other'), await room.message(bob, 'plain')];
      const reply = await child('m.thread');
      const reaction = await child('m.annotation', other, { sender: mallory });
      await child('org.example.custom', other, { sender: alice });
      const related = async (wanted: WantedChildren, more: Partial<CountedChildren> = {}) => {
        const found = await reader().related([root, other, plain].map(parent), wanted, counted(more));
        return [...found].sort();
      };
      expect(await related({})).toEqual(nids(root, other));
      expect(await related({ relTypes: ['m.thread'] })).toEqual(nids(root));
      expect(await related({ relTypes: ['m.thread', 'm.annotation'] })).toEqual(nids(root, other));
      expect(await related({ relTypes: ['m.thread', 'org.example.custom'] })).toEqual(nids(root, other));
      expect(await related({ relTypes: ['constructor', 'org.example.none'] })).toEqual([]);
      expect(await related({ relTypes: [] })).toEqual([]);
      expect(await related({ senders: [] })).toEqual([]);
      expect(await related({ senders: [bob, '@nobody:x'] })).toEqual(nids(root));
      expect(await related({ senders: [alice], relTypes: ['m.annotation'] })).toEqual([]);
      expect(await related({ senders: [mallory] }, { ignored: [mallory] })).toEqual([]);
      const until = { roomNid: room.roomNid, from: root.position, to: reply.position };
      expect(await related({}, { visible: [until] })).toEqual(nids(root));
      expect(await related({}, { visible: [] })).toEqual([]);
      await redact(reaction);
      expect(await related({ relTypes: ['m.annotation'] })).toEqual([]);
    });

    it('counts replies without the redacted, the ignored and the hidden', async () => {
      const [first, second] = [await child('m.thread'), await child('m.thread', root, { sender: alice })];
      const third = await child('m.thread', root, { sender: mallory });
      const threads = (more: Partial<CountedChildren>) => reader().threads([parent(root)], counted(more));
      const thread = { parentNid: root.eventNid, participated: true };
      expect(await threads({})).toEqual([{ ...thread, count: 3, latestNid: third.eventNid }]);
      expect(await threads({ userId: '@other:x' as UserId })).toMatchObject([{ participated: false }]);
      const ignoring = await threads({ ignored: [mallory] });
      expect(ignoring).toEqual([{ ...thread, count: 2, latestNid: second.eventNid }]);
      const visible = [{ roomNid: room.roomNid, from: root.position, to: first.position }];
      expect(await threads({ visible })).toEqual([{ ...thread, count: 1, latestNid: first.eventNid }]);
      expect(await threads({ visible: [] })).toEqual([]);
      await redact(third);
      expect(await threads({})).toMatchObject([{ count: 2, latestNid: second.eventNid }]);
    });

    it('counts history where it stands', async () => {
      const first = await child('m.thread');
      const last = await child('m.thread');
      const history = (before: PlacedRow | true) =>
        room.event({
          type: 'm.room.message',
          sender: bob,
          content: { 'm.relates_to': { rel_type: 'm.thread', event_id: root.eventId } },
          backfilled: before,
        });
      const countUpTo = async ({ position }: PlacedRow) => {
        const visible = [{ roomNid: room.roomNid, from: -1_000_000, to: position }];
        return (await reader().threads([parent(root)], counted({ visible })))[0]?.count;
      };
      await history(last);
      expect([await countUpTo(first), await countUpTo(last)]).toEqual([1, 3]);
      await history(first);
      await history(true);
      expect([await countUpTo(first), await countUpTo(last)]).toEqual([3, 5]);
    });

    it('gives edits by the sender of the event, the most recent first', async () => {
      const edit = (more: { sender?: UserId; type?: string; at?: number }) =>
        room.event({
          type: more.type ?? 'm.room.message',
          sender: more.sender ?? alice,
          content: { 'm.relates_to': { rel_type: 'm.replace', event_id: root.eventId } },
        });
      const [first, second] = [await edit({}), await edit({})];
      await edit({ sender: mallory });
      await edit({ type: 'org.example' });
      const edits = async (more = {}) =>
        (await reader().edits([parent(root)], counted(more))).map(({ eventNid }) => eventNid);
      expect(await edits()).toEqual(nids(second, first));
      expect(await edits({ ignored: [alice] })).toEqual([]);
      await redact(second);
      expect(await edits()).toEqual(nids(first));
    });

    it('lists what refers to an event, in order', async () => {
      const [first, second] = [await child('m.reference'), await child('m.reference')];
      expect(await reader().references([parent(root)], counted())).toEqual(
        [first, second].map(({ eventNid, eventId, position }) => {
          const placed = { eventNid, eventId, position, beforePosition: null };
          return { parentNid: root.eventNid, roomNid: room.roomNid, ...placed };
        }),
      );
    });
  });

  describe('ThreadReader', () => {
    const latest = async (from?: number, limit = 10) =>
      (await new ThreadReader(database).latest(room.roomNid, from, limit)).map(({ rootId }) => rootId);

    it('orders threads by the latest reply that is not redacted', async () => {
      const other = await room.message(bob, 'other');
      const first = await child('m.thread');
      const inOther = await child('m.thread', other);
      expect(await latest()).toEqual([other.eventId, root.eventId]);
      const again = await child('m.thread');
      expect(await latest()).toEqual([root.eventId, other.eventId]);
      expect(await latest(inOther.position)).toEqual([other.eventId]);
      expect(await latest(undefined, 1)).toEqual([root.eventId]);
      await redact(again);
      expect(await latest()).toEqual([other.eventId, root.eventId]);
      await redact(first);
      expect(await latest()).toEqual([other.eventId]);
      await child('m.thread');
      expect(await latest()).toEqual([root.eventId, other.eventId]);
    });
  });
});
