import { commitInLanes, type NewReceipt, ReceiptTransactor, UnreadTransactor } from '@atoll/database';
import type { PlacedRow, RoomRows } from '@atoll/database/testing';
import type { JsonObject, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import {
  startSyncApp,
  type RoomAnswer,
  type SyncApp,
  type SyncParameters,
  type SyncUser,
} from './sync-app.spec-support.js';

/** What the push service has counted is written by the spec: whatever that is, syncs tell what is. */
describe('what is unread', () => {
  let app: SyncApp;
  let alice: SyncUser;
  let room: RoomRows;
  const bob = '@bob:hs1' as UserId;
  let users = 0;

  beforeAll(async () => {
    app = await startSyncApp();
  });
  beforeEach(async () => {
    alice = await app.register(`alice${users++}`);
    room = await app.createRoom(bob);
    await room.member(alice.userId, 'join');
  });
  afterAll(() => app.close());

  const one = (content: JsonObject = {}) =>
    room.event({ type: 'm.room.message', sender: bob, content: { body: 'x', ...content } });
  const inThread = (root: PlacedRow, more: JsonObject = {}) =>
    one({ ...more, 'm.relates_to': { rel_type: 'm.thread', event_id: root.eventId } });
  const mention = (): JsonObject => ({ 'm.mentions': { user_ids: [alice.userId] } });

  async function read({ eventId, position }: PlacedRow, more: Partial<NewReceipt> = {}): Promise<void> {
    await commitInLanes(app.database.db, (trx, closing) =>
      new ReceiptTransactor(trx, closing).put([
        {
          roomNid: room.roomNid,
          userId: alice.userId,
          type: 'm.read',
          threadId: '',
          eventId,
          eventPosition: position,
          ts: 1,
          ...more,
        },
      ]),
    );
  }

  /** As the push service would have it when it had counted so many messages. */
  async function countedTo(position: number, counts: Record<number, [number, number, number]> = {}) {
    const { state_key_nid } = await app.database.db
      .selectFrom('state_keys')
      .select('state_key_nid')
      .where('state_key', '=', alice.userId)
      .executeTakeFirstOrThrow();
    const unread = Object.entries(counts).map(
      ([thread, [notify, highlight, since]]) => [Number(thread), { notify, highlight, since }] as const,
    );
    await app.database.db.transaction().execute(async (trx) => {
      const transactor = new UnreadTransactor(trx);
      await transactor.replace([{ userNid: state_key_nid, roomNid: room.roomNid, unread: new Map(unread) }]);
      await transactor.moveCursors([0], { events: position, receipts: 0 });
    });
  }

  async function told(parameters: SyncParameters = {}): Promise<RoomAnswer | undefined> {
    return (await app.sync(alice, parameters)).rooms?.join?.[room.roomId];
  }
  const numbers = async (parameters?: SyncParameters) => {
    const { notification_count, highlight_count } = (await told(parameters))?.unread_notifications ?? {};
    return [notification_count, highlight_count];
  };
  const byThread = { filter: { room: { timeline: { unread_thread_notifications: true } } } };

  it('is counted from the join on, when nothing was counted', async () => {
    expect(await numbers()).toEqual([0, 0]);
    await one();
    await one(mention());
    expect(await numbers()).toEqual([2, 1]);
  });

  it('is what was counted, and what came since', async () => {
    const { position } = await one();
    await countedTo(position, { 0: [7, 2, 1] });
    expect(await numbers()).toEqual([7, 2]);
    await one(mention());
    expect(await numbers()).toEqual([8, 3]);
  });

  it('is counted again from the newest receipt, private or not, that the counts do not know', async () => {
    const [first, second, third] = [await one(), await one(), await one()];
    await countedTo(third.position, { 0: [3, 0, first.position - 1] });
    await read(first);
    expect(await numbers()).toEqual([2, 0]);
    await read(second, { type: 'm.read.private' });
    expect(await numbers()).toEqual([1, 0]);
    await one(mention());
    expect(await numbers()).toEqual([2, 1]);
    await read(third);
    expect(await numbers()).toEqual([1, 1]);
  });

  it('is less by what the user sends: up to it in its thread, everywhere by joining again', async () => {
    const root = await one();
    await inThread(root);
    await room.message(alice.userId, 'here');
    expect(await numbers()).toEqual([1, 0]);
    await room.member(alice.userId, 'join', alice.userId, { displayname: 'A' });
    expect(await numbers()).toEqual([1, 0]);
    await room.member(alice.userId, 'leave');
    await one();
    await room.member(alice.userId, 'join');
    await one();
    expect(await numbers()).toEqual([1, 0]);
  });

  it('is told by thread to those who ask for it, each read by receipts of its own', async () => {
    const root = await one();
    const other = await one();
    await inThread(root);
    const reply = await inThread(root, mention());
    const reaction = await room.event({
      type: 'm.reaction',
      sender: bob,
      content: { 'm.relates_to': { rel_type: 'm.annotation', event_id: reply.eventId, key: 'x' } },
    });
    await inThread(other);
    expect(await numbers()).toEqual([5, 1]);
    expect((await told())?.unread_thread_notifications).toBeUndefined();
    expect(await told(byThread)).toMatchObject({
      unread_notifications: { notification_count: 2, highlight_count: 0 },
      unread_thread_notifications: {
        [root.eventId]: { notification_count: 2, highlight_count: 1 },
        [other.eventId]: { notification_count: 1, highlight_count: 0 },
      },
    });
    await read(reaction, { threadId: root.eventId });
    await read(other, { threadId: 'main' });
    const left = await told(byThread);
    expect(left?.unread_notifications?.notification_count).toBe(0);
    expect(Object.keys(left?.unread_thread_notifications ?? {})).toEqual([other.eventId]);
    await read(await one());
    expect(await numbers()).toEqual([0, 0]);
    expect((await told(byThread))?.unread_thread_notifications).toBeUndefined();
  });

  it('is told when the user reads, also to clients that want no receipts', async () => {
    const quiet = { filter: { room: { ephemeral: { types: [] } } } };
    const event = await one();
    const { next_batch: since } = await app.sync(alice, quiet);
    expect(await told({ ...quiet, since })).toBeUndefined();
    await read(event, { userId: bob });
    expect(await told({ ...quiet, since })).toBeUndefined();
    await read(event, { type: 'm.read.private' });
    expect(await numbers({ ...quiet, since })).toEqual([0, 0]);
  });

  it('is without the messages of ignored users, and by the rules that the user has set', async () => {
    await one();
    expect(await numbers()).toEqual([1, 0]);
    await app.request('PUT', `/user/${alice.userId}/account_data/m.ignored_user_list`, {
      token: alice.token,
      body: { ignored_users: { [bob]: {} } },
    });
    expect(await numbers()).toEqual([0, 0]);
  });

  it('is without threads whose root was purged', async () => {
    const { position } = await one();
    await countedTo(position, { 0: [1, 0, 1], 999: [5, 5, 1] });
    expect(await numbers()).toEqual([1, 0]);
    expect(await told(byThread)).not.toHaveProperty('unread_thread_notifications');
  });

  it('is told where it changes, also when the filter hides what happened', async () => {
    const hiding = { filter: { room: { timeline: { types: ['m.room.member'] }, state: { types: [] } } } };
    const next = async (since?: string) => {
      const { next_batch, rooms } = await app.sync(alice, { ...hiding, since });
      return { since: next_batch, room: rooms?.join?.[room.roomId] };
    };
    const first = await next();
    await one(mention());
    const counted = await next(first.since);
    expect(counted.room).toMatchObject({
      timeline: { events: [] },
      unread_notifications: { notification_count: 1, highlight_count: 1 },
    });
    await room.event({ type: 'org.example.silent', sender: bob });
    const silent = await next(counted.since);
    expect(silent.room).toBeUndefined();
    await room.message(alice.userId, 'here');
    const read = await next(silent.since);
    expect(read.room?.unread_notifications).toEqual({ notification_count: 0, highlight_count: 0 });
    expect((await next(read.since)).room).toBeUndefined();
  });

  /** 1,005 more like an event, the newest of all. */
  async function repeat({ eventNid }: PlacedRow): Promise<void> {
    await sql`
      WITH copies AS (
        INSERT INTO events SELECT ${eventNid * 10_000}::bigint + n, e.event_id || '-' || n, e.room_nid, e.type_nid, e.state_key_nid, e.sender_nid,
          e.depth, e.origin_server_ts, e.status, e.problem, e.json
        FROM events e, generate_series(1, 1005) AS n WHERE e.event_nid = ${eventNid} RETURNING event_nid, room_nid)
      INSERT INTO event_positions (position, event_nid, room_nid)
      SELECT nextval('events_position'), event_nid, room_nid FROM copies`.execute(app.database.db);
  }

  it('is bounded: of a room the newest 1,000 events count, however many happened in others', async () => {
    const busy: PlacedRow[] = [];
    for (let n = 0; n < 10; n++) {
      const other = await app.createRoom(bob);
      await other.member(alice.userId, 'join');
      busy.push(await other.message(bob, 'x'));
    }
    await countedTo((await one()).position);
    await one();
    for (const event of busy) await repeat(event);
    const { join = {} } = (await app.sync(alice)).rooms ?? {};
    const { [room.roomId]: quiet, ...others } = join;
    expect(quiet?.unread_notifications?.notification_count).toBe(1);
    const counts = Object.values(others).map((other) => other.unread_notifications?.notification_count);
    expect(counts).toEqual(Array.from(busy, () => 1_000));
  });
});
