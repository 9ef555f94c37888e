import { commitInLanes, type NewReceipt, ReceiptTransactor, TypingTransactor } from '@atoll/database';
import type { RoomRows } from '@atoll/database/testing';
import type { EventId, JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startSyncApp, type SyncAnswer, type SyncApp, type SyncUser } from './sync-app.spec-support.js';

describe('what is in no timeline', () => {
  let app: SyncApp;
  let alice: SyncUser;
  let bob: SyncUser;
  let room: RoomRows;

  beforeAll(async () => {
    app = await startSyncApp();
    alice = await app.register('alice');
    bob = await app.register('bob');
    room = await app.createRoom(alice.userId);
    await room.member(bob.userId, 'join');
  });
  afterAll(() => app.close());

  const ephemeralOf = ({ rooms }: SyncAnswer): JsonObject[] | undefined =>
    rooms?.join?.[room.roomId]?.ephemeral?.events;

  async function type(until: number | undefined): Promise<void> {
    await commitInLanes(app.database.db, (trx, closing) =>
      new TypingTransactor(trx, closing).set(
        [{ roomNid: room.roomNid, userId: bob.userId, until }],
        Date.now(),
      ),
    );
  }

  async function read(receipt: Partial<NewReceipt>): Promise<boolean> {
    const taken = await commitInLanes(app.database.db, (trx, closing) =>
      new ReceiptTransactor(trx, closing).put([
        {
          roomNid: room.roomNid,
          userId: bob.userId,
          type: 'm.read',
          threadId: '',
          eventId: '$event' as EventId,
          eventPosition: 1,
          ts: 1,
          ...receipt,
        },
      ]),
    );
    return taken !== undefined;
  }

  it('wakes those in the room, with who types, and nobody again while that stays so', async () => {
    const { next_batch } = await app.sync(alice);
    const waiting = app.sync(alice, { since: next_batch, timeout: 30_000 });
    await type(Date.now() + 60_000);
    const woken = await waiting;
    expect(ephemeralOf(woken)).toEqual([{ type: 'm.typing', content: { user_ids: [bob.userId] } }]);
    await type(Date.now() + 90_000);
    expect(await app.sync(alice, { since: woken.next_batch })).toEqual({ next_batch: woken.next_batch });
    expect(ephemeralOf(await app.sync(alice))).toEqual(ephemeralOf(woken));
    await type(undefined);
    const stopped = await app.sync(alice, { since: woken.next_batch });
    expect(ephemeralOf(stopped)).toEqual([{ type: 'm.typing', content: { user_ids: [] } }]);
    expect(ephemeralOf(await app.sync(alice))).toEqual([]);
  });

  it('ends what is over', async () => {
    const { next_batch } = await app.sync(alice);
    await type(Date.now() + 20);
    const expire = () =>
      commitInLanes(app.database.db, (trx, closing) =>
        new TypingTransactor(trx, closing).expire(Date.now() + 20, 10),
      );
    expect(await expire()).toBeDefined();
    expect(await expire()).toBeUndefined();
    expect(ephemeralOf(await app.sync(alice, { since: next_batch }))).toEqual([
      { type: 'm.typing', content: { user_ids: [] } },
    ]);
  });

  it('tells receipts that go forward, of each thread by itself, and private ones to their user alone', async () => {
    const { next_batch } = await app.sync(alice);
    await read({ eventId: '$two' as EventId, eventPosition: 2, ts: 20 });
    expect(await read({ eventId: '$one' as EventId, eventPosition: 1, ts: 30 })).toBe(false);
    await read({ eventId: '$root' as EventId, threadId: 'main', eventPosition: 3, ts: 40 });
    await read({ eventId: '$three' as EventId, type: 'm.read.private', eventPosition: 4, ts: 50 });
    const shared = {
      $two: { 'm.read': { [bob.userId]: { ts: 20 } } },
      $root: { 'm.read': { [bob.userId]: { ts: 40, thread_id: 'main' } } },
    };
    const told = await app.sync(alice, { since: next_batch });
    expect(ephemeralOf(told)).toEqual([{ type: 'm.receipt', content: shared }]);
    expect(ephemeralOf(await app.sync(alice, { since: told.next_batch }))).toBeUndefined();
    expect(ephemeralOf(await app.sync(bob))).toEqual([
      {
        type: 'm.receipt',
        content: { ...shared, $three: { 'm.read.private': { [bob.userId]: { ts: 50 } } } },
      },
    ]);
  });

  it('prefers the unthreaded of two receipts at one event', async () => {
    const { next_batch } = await app.sync(alice);
    for (const threadId of ['$root', '', 'main']) {
      await read({ eventId: '$last' as EventId, threadId, eventPosition: 9, ts: 90 });
    }
    expect(ephemeralOf(await app.sync(alice, { since: next_batch }))).toEqual([
      { type: 'm.receipt', content: { $last: { 'm.read': { [bob.userId]: { ts: 90 } } } } },
    ]);
  });

  it('passes the filter, and leaves ignored users out', async () => {
    const quiet = { room: { ephemeral: { not_types: ['m.receipt'] } } };
    const { next_batch } = await app.sync(alice, { filter: quiet });
    await read({ eventId: '$later' as EventId, eventPosition: 10, ts: 100 });
    await type(Date.now() + 60_000);
    expect(ephemeralOf(await app.sync(alice, { since: next_batch, filter: quiet }))).toEqual([
      { type: 'm.typing', content: { user_ids: [bob.userId] } },
    ]);
    await app.request('PUT', `/user/${alice.userId}/account_data/m.ignored_user_list`, {
      token: alice.token,
      body: { ignored_users: { [bob.userId]: {} } },
    });
    expect(ephemeralOf(await app.sync(alice, { since: next_batch }))).toEqual([
      { type: 'm.typing', content: { user_ids: [] } },
    ]);
  });
});
