import type { JsonObject } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { EVE, HS2, startTransactionTest } from './test-transactions.spec-support.js';

describe('presence of users of other servers', () => {
  let test: Awaited<ReturnType<typeof startTransactionTest>>;
  beforeAll(async () => {
    test = await startTransactionTest();
    await test.room();
  });
  afterAll(() => test.stop());

  const send = async (...push: JsonObject[]) => {
    const edus = [{ edu_type: 'm.presence', content: { push } }];
    expect(await test.send([], { edus })).toEqual({ status: 200, body: { pdus: {} } });
  };
  const rowOf = (userId: string) =>
    test.database.db
      .selectFrom('presence')
      .select(['is_local', 'presence', 'status_msg', 'last_active_ts', 'currently_active'])
      .where('user_id', '=', userId as typeof EVE)
      .executeTakeFirst();
  const announcements = async () => (await test.announced('presence-changed')).length;

  it('is kept, and announced when it visibly changes', async () => {
    const before = Date.now();
    const online = { user_id: EVE, presence: 'online', last_active_ago: 1000, currently_active: true };
    await send({ ...online, status_msg: 'here' });
    const row = await rowOf(EVE);
    expect(row).toMatchObject({
      is_local: false,
      presence: 'online',
      status_msg: 'here',
      currently_active: true,
    });
    expect(row?.last_active_ts).toBeGreaterThanOrEqual(before - 1000);
    expect(row?.last_active_ts).toBeLessThanOrEqual(Date.now() - 1000);
    expect(await announcements()).toBe(1);
    await send({ ...online, status_msg: 'here', last_active_ago: 0 });
    expect((await rowOf(EVE))?.last_active_ts).toBeGreaterThanOrEqual(before);
    expect(await announcements()).toBe(1);
    await send(online, { user_id: EVE, presence: 'unavailable', currently_active: true });
    expect(await rowOf(EVE)).toMatchObject({
      presence: 'unavailable',
      status_msg: null,
      currently_active: false,
    });
    expect(await announcements()).toBe(2);
  });

  it('is not kept of those with whom nobody here shares a room, nor of others than the sender is', async () => {
    await test.room({ members: { '@far:hs2': 'join', '@other:hs3': 'join' } });
    await test.room({ members: { '@alice:hs1': 'invite', '@invited:hs2': 'join' } });
    await test.room({ members: { '@alice:hs1': 'join', '@gone:hs2': 'leave', '@third:hs3': 'join' } });
    const users = ['@far:hs2', '@invited:hs2', '@gone:hs2', '@nobody:hs2', '@third:hs3', '@alice:hs1'];
    await send(...users.map((user_id) => ({ user_id, presence: 'online' })));
    for (const user of users) expect(await rowOf(user)).toBeUndefined();
  });

  it.each<[string, JsonObject, JsonObject]>([
    ['an unknown presence', { presence: 'busy' }, { presence: 'offline' }],
    ['a long message', { status_msg: 'x'.repeat(1025) }, { presence: 'online', status_msg: null }],
    [
      'a message that PostgreSQL cannot hold',
      { status_msg: 'a\0' },
      { presence: 'online', status_msg: null },
    ],
    ['a message that is none', { status_msg: {} }, { presence: 'online', status_msg: null }],
    ['a time in the future', { last_active_ago: -5 }, { presence: 'online', last_active_ts: 0 }],
    ['a time before all times', { last_active_ago: 1e300 }, { presence: 'online', last_active_ts: 0 }],
    ['a time that is none', { last_active_ago: 'now' }, { presence: 'online', last_active_ts: 0 }],
  ])('does without %s', async (_, said, kept) => {
    await test.database.db.deleteFrom('presence').execute();
    await send({ user_id: EVE, presence: 'offline' });
    await send({ user_id: EVE, presence: 'online', ...said });
    expect(await rowOf(EVE)).toMatchObject(kept);
  });

  it('is kept of everybody while a room is being joined, whose users nobody knows yet', async () => {
    const { roomId } = await test.room({ members: {} });
    const joining = (until: number | null) =>
      test.database.db
        .updateTable('rooms')
        .set({ joining_until: until })
        .where('room_id', '=', roomId)
        .execute();
    await joining(Date.now() + 60_000);
    await send({ user_id: '@inside:hs2', presence: 'online' });
    expect(await rowOf('@inside:hs2')).toMatchObject({ presence: 'online' });
    await joining(null);
    await send({ user_id: '@inside:hs2', presence: 'offline' });
    expect(await rowOf('@inside:hs2')).toMatchObject({ presence: 'online' });
  });

  it('is bounded', async () => {
    const many = Array.from({ length: 1000 }, (_, i) => ({ user_id: `@u${i}:${HS2}`, presence: 'online' }));
    await test.database.db.deleteFrom('presence').execute();
    await send(...many, { user_id: EVE, presence: 'online' });
    expect(await rowOf(EVE)).toBeUndefined();
  });
});
