import { commitInLanes, ThreadSubscriptionTransactor } from '@atoll/database';
import type { PlacedRow, RoomRows } from '@atoll/database/testing';
import type { EventId, JsonObject, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { ALICE, BOB, CAROL, PushInstallation } from './push-installation.spec-support.js';

/** @see proposals/4306-thread-subscriptions.md */
describe('the push service, with rules about threads', () => {
  let installation: PushInstallation;
  let room: RoomRows;
  let root: PlacedRow;

  beforeAll(async () => {
    installation = await PushInstallation.open({ ATOLL_THREAD_SUBSCRIPTION_RULES: 'on' });
    for (const user_id of [ALICE, BOB]) {
      await installation.database.db
        .insertInto('users')
        .values({ user_id, password_hash: null, created_ts: 0 })
        .execute();
    }
    await installation.startPush();
  });
  beforeEach(async () => {
    room = await installation.room(BOB, CAROL);
    root = await installation.say(room, CAROL);
  });
  afterAll(() => installation.close());

  const inThread = (rootId: EventId = root.eventId, more: JsonObject = {}) =>
    installation.say(room, CAROL, { ...more, 'm.relates_to': { rel_type: 'm.thread', event_id: rootId } });

  /** All events so far are counted before it. */
  async function change(userId: UserId, isSubscribed: boolean): Promise<void> {
    await installation.allCounted();
    await commitInLanes(installation.database.db, async (trx, closing) => {
      const subscriptions = new ThreadSubscriptionTransactor(trx, closing);
      const key = { userId, roomNid: room.roomNid, rootId: root.eventId };
      const present = { from: root.position, to: root.position };
      await subscriptions.put(key, isSubscribed ? { automatic: true } : { automatic: undefined, present });
      subscriptions.tell(key);
    });
  }

  it('counts what is in threads for those who are subscribed or mentioned', async () => {
    await change(ALICE, true);
    const reply = await inThread();
    await installation.say(room, CAROL, {
      'm.relates_to': { rel_type: 'm.reference', event_id: reply.eventId },
    });
    await inThread(root.eventId, { 'm.mentions': { user_ids: [BOB] } });
    expect(await installation.counted(room, ALICE)).toEqual({ 0: [1, 0], [root.eventNid]: [3, 0] });
    expect(await installation.counted(room, BOB)).toEqual({ 0: [1, 0], [root.eventNid]: [1, 1] });
    for (const userId of [ALICE, BOB]) {
      expect(await installation.recounted(room, userId)).toEqual(await installation.counted(room, userId));
    }
  });

  it('does not count what is in a thread whose root is not here', async () => {
    await change(ALICE, true);
    await inThread('$unknown' as EventId);
    expect(await installation.counted(room, ALICE)).toEqual({ 0: [1, 0] });
    expect(await installation.recounted(room, ALICE)).toEqual({ 0: [1, 0] });
  });

  it('goes by the subscription to the thread of that room', async () => {
    await change(ALICE, true);
    const elsewhere = await installation.room(CAROL);
    await installation.say(elsewhere, CAROL, {
      'm.relates_to': { rel_type: 'm.thread', event_id: root.eventId },
    });
    expect(await installation.counted(elsewhere, ALICE)).toEqual({});
  });

  it('counts from the next event on by subscriptions that change', async () => {
    await inThread();
    await change(ALICE, true);
    await inThread();
    expect(await installation.counted(room, ALICE)).toEqual({ 0: [1, 0], [root.eventNid]: [1, 0] });
    await change(ALICE, false);
    await inThread();
    expect(await installation.counted(room, ALICE)).toEqual({ 0: [1, 0], [root.eventNid]: [1, 0] });
  });
});
