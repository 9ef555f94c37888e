import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue } from '@atoll/matrix';
import { addEvent, EVE, HS2, startTransactionTest, type TestRoom } from './test-transactions.spec-support.js';

type Test = Awaited<ReturnType<typeof startTransactionTest>>;
const ALICE = '@alice:hs1';
const STRANGER = '@stranger:hs2';

describe('EDUs of other servers', () => {
  let test: Test;
  let room: TestRoom;
  beforeAll(async () => {
    test = await startTransactionTest();
    room = await test.room();
  });
  afterAll(() => test.stop());

  const nidOf = async ({ roomId }: TestRoom) =>
    (
      await test.database.db
        .selectFrom('rooms')
        .select('room_nid')
        .where('room_id', '=', roomId)
        .executeTakeFirstOrThrow()
    ).room_nid;
  const send = async (type: string, ...contents: JsonValue[]) => {
    const edus = contents.map((content) => ({ edu_type: type, content }));
    expect(await test.send([], { edus })).toEqual({ status: 200, body: { pdus: {} } });
  };
  const typingIn = async (where: TestRoom) => {
    const row = await test.database.db
      .selectFrom('typing')
      .select('users')
      .where('room_nid', '=', await nidOf(where))
      .executeTakeFirst();
    return row && Object.keys(JSON.parse(row.users) as JsonObject);
  };
  const receiptsIn = async (where: TestRoom) =>
    test.database.db
      .selectFrom('receipts')
      .select(['user_id', 'thread_id', 'event_id', 'event_position', 'ts'])
      .where('room_nid', '=', await nidOf(where))
      .orderBy('thread_id')
      .execute();
  const receipt = (userId: string, data: JsonObject, ...event_ids: string[]): JsonObject => ({
    [userId]: { data, event_ids },
  });
  const receipts = ({ roomId }: TestRoom, users: JsonObject): JsonObject => ({
    [roomId]: { 'm.read': users },
  });

  it('tell who types, of users of the sender that are in the room', async () => {
    const { roomId: room_id } = room;
    await send('m.typing', { room_id, user_id: EVE, typing: true });
    expect(await typingIn(room)).toEqual([EVE]);
    expect(await test.announced('typing-changed')).toEqual([{ position: expect.any(Number) }]);
    await send(
      'm.typing',
      { room_id, user_id: STRANGER, typing: true },
      { room_id, user_id: ALICE, typing: true },
      { room_id, user_id: EVE, typing: 'yes' },
    );
    expect(await typingIn(room)).toEqual([EVE]);
    await send('m.typing', { room_id, user_id: EVE, typing: false });
    expect(await typingIn(room)).toEqual([]);
  });

  it('tell how far somebody has read, in each thread', async () => {
    const where = await test.room();
    await send(
      'm.receipt',
      receipts(where, receipt(EVE, { ts: 5 }, '$read')),
      receipts(where, receipt(EVE, { ts: 6, thread_id: 'main' }, '$main')),
    );
    expect(await receiptsIn(where)).toEqual([
      { user_id: EVE, thread_id: '', event_id: '$read', event_position: null, ts: 5 },
      { user_id: EVE, thread_id: 'main', event_id: '$main', event_position: null, ts: 6 },
    ]);
  });

  it('name the newest of several events, and none of another room', async () => {
    const [where, elsewhere] = [await test.room(), await test.room()];
    const [room_nid, other] = [await nidOf(where), await nidOf(elsewhere)];
    for (const [event_nid, event_id, nid] of [
      [7_001, '$older', room_nid],
      [7_002, '$newer', room_nid],
      [7_003, '$other', other],
    ] as const) {
      await addEvent(test.database, { event_nid, event_id, room_nid: nid, json: '{}' });
      await test.database.db
        .insertInto('event_positions')
        .values({ position: event_nid, event_nid, room_nid: nid })
        .execute();
    }
    await send('m.receipt', receipts(where, receipt(EVE, { ts: 7 }, '$other')));
    expect(await receiptsIn(where)).toEqual([]);
    await send('m.receipt', receipts(where, receipt(EVE, { ts: 7 }, '$older', '$newer', '$other')));
    expect(await receiptsIn(where)).toMatchObject([{ event_id: '$newer', event_position: 7_002 }]);
    await send('m.receipt', receipts(where, receipt(EVE, { ts: 8 }, '$older')));
    expect(await receiptsIn(where)).toMatchObject([{ event_id: '$newer', ts: 7 }]);
  });

  it('are left out where they are not what they should be', async () => {
    const where = await test.room();
    await send(
      'm.receipt',
      receipts(where, receipt(ALICE, { ts: 1 }, '$a')),
      receipts(where, receipt(STRANGER, { ts: 1 }, '$a')),
      receipts(where, { [EVE]: { data: { ts: '1' }, event_ids: ['$a'] } }),
      receipts(where, { [EVE]: { data: { ts: 1 }, event_ids: [] } }),
      receipts(where, { [EVE]: { data: { ts: 1 }, event_ids: ['no event'] } }),
      receipts(where, { [EVE]: { data: { ts: -1 }, event_ids: ['$a'] } }),
      receipts(where, { [EVE]: { data: { ts: 1, thread_id: 7 }, event_ids: ['$a'] } }),
      receipts(where, { [EVE]: { data: { ts: 1 }, event_ids: Array<string>(21).fill('$a') } }),
      receipts(where, { [EVE]: 7 }),
      { [where.roomId]: { 'm.read.private': receipt(EVE, { ts: 1 }, '$a') } },
    );
    expect(await receiptsIn(where)).toEqual([]);
  });

  it('are not taken by rooms whose server ACL denies the sender, or that this server is not in', async () => {
    const denied = await test.room({ acl: { allow: ['*'], deny: [HS2] } });
    const foreign = await test.room({ members: { [EVE]: 'join' } });
    for (const where of [denied, foreign]) {
      await send('m.typing', { room_id: where.roomId, user_id: EVE, typing: true });
      await send('m.receipt', receipts(where, receipt(EVE, { ts: 5 }, '$read')));
      expect(await typingIn(where)).toBeUndefined();
      expect(await receiptsIn(where)).toEqual([]);
    }
  });
});
