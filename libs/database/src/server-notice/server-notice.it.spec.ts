import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { RoomId, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import { AccountTransactor } from '../account/account-transactor.js';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { ServerNoticeDeliveryTransactor } from './server-notice-delivery-transactor.js';
import { ServerNoticeReader } from './server-notice-reader.js';
import { ServerNoticeTransactor } from './server-notice-transactor.js';

const [SENDER, ALICE, BOB, GONE, GUEST] = ['notices', 'alice', 'bob', 'gone', 'guest'].map(
  (name) => `@${name}:hs1` as UserId,
) as [UserId, UserId, UserId, UserId, UserId];
const LONG = 60_000;

let server: TestDatabase;
let database: Database;
let deliveries: ServerNoticeDeliveryTransactor;
let reader: ServerNoticeReader;
beforeAll(async () => {
  server = await testDatabase();
  database = openDatabase({ url: server.url, poolSize: 4, applicationName: 'server-notices' });
  await migrateToLatest(database.db);
  deliveries = new ServerNoticeDeliveryTransactor(database);
  reader = new ServerNoticeReader(database);
  await database.db.transaction().execute(async (trx) => {
    const accounts = new AccountTransactor(trx);
    for (const userId of [SENDER, ALICE, BOB, GONE]) {
      await accounts.create({ userId, passwordHash: null, isAdmin: false });
    }
    await accounts.create({ userId: GUEST, passwordHash: null, isAdmin: false, isGuest: true });
    await accounts.deactivate(GONE);
  });
});
afterAll(async () => {
  await database.close();
  await server.drop();
});
beforeEach(async () => {
  for (const table of ['server_notice_deliveries', 'server_notices'] as const) {
    await database.db.deleteFrom(table).execute();
  }
});

const add = (noticeId: string, to: UserId | 'all' = ALICE) =>
  database.db
    .transaction()
    .execute((trx) => new ServerNoticeTransactor(trx).add({ noticeId, body: `${noticeId}!` }, to, SENDER));
const claimed = async (claimMs = LONG, limit = 10) =>
  (await deliveries.claimDue(limit, claimMs)).map(({ userId, noticeId }) => `${userId} ${noticeId}`).sort();

it('a notice is for those who have an account, once', async () => {
  expect(await add('one', 'all')).toBe(2);
  expect(await add('one', 'all')).toBeUndefined();
  expect(await add('two', GONE)).toBe(0);
  expect(await add('three', GUEST)).toBe(0);
  expect(await claimed()).toEqual([`${ALICE} one`, `${BOB} one`]);
});

it('each is claimed by one, and a user is told one after the other', async () => {
  await add('one', 'all');
  await add('two');
  const all = (await Promise.all([1, 2, 3, 4].map(() => claimed(LONG, 1)))).flat();
  expect(all.sort()).toEqual([`${ALICE} one`, `${BOB} one`]);
  expect(await claimed()).toEqual([]);
  const [one] = await reclaimed(ALICE);
  await deliveries.delivered(one);
  expect(await claimed()).toEqual([`${ALICE} two`]);
});

it('what a claim leaves is handed out again, and the first claim says nothing about it any more', async () => {
  await add('one');
  const [dead] = await deliveries.claimDue(1, 0);
  const [alive] = await deliveries.claimDue(1, LONG);
  if (!dead || !alive) throw new Error('not claimed');
  expect([dead.attempt, alive.attempt, alive.body]).toEqual([1, 2, 'one!']);
  await deliveries.tryAgainAfter(dead, 0, 0);
  await deliveries.giveUp(dead);
  expect(await claimed()).toEqual([]);
  await deliveries.tryAgainAfter(alive, 0, 0);
  expect(await claimed(0)).toEqual([`${ALICE} one`]);
  // But it was delivered, whoever did it.
  await deliveries.delivered(dead);
  expect(await claimed()).toEqual([]);
});

it('one that was given up holds up nobody, and is counted', async () => {
  await add('one', 'all');
  await add('two');
  const [one] = await reclaimed(ALICE);
  await deliveries.giveUp(one);
  expect(await claimed()).toEqual([`${ALICE} two`, `${BOB} one`]);
  expect(await reader.newest(10)).toEqual([
    { noticeId: 'two', createdTs: expect.any(Number), waiting: 1, givenUp: 0 },
    { noticeId: 'one', createdTs: expect.any(Number), waiting: 1, givenUp: 1 },
  ]);
  expect(await reader.newest(1)).toHaveLength(1);
});

it('whoever deactivates the account is told nothing more', async () => {
  await add('one');
  await database.db.transaction().execute((trx) => new AccountTransactor(trx).deactivate(ALICE));
  expect(await claimed()).toEqual([]);
  await database.db
    .updateTable('users')
    .set({ is_deactivated: false })
    .where('user_id', '=', ALICE)
    .execute();
});

it('the room of a user is the newest one', async () => {
  expect(await reader.roomOf(BOB)).toBeUndefined();
  for (const roomId of ['!one:hs1', '!two:hs1'] as RoomId[]) {
    await deliveries.rememberRoom(BOB, { roomId, senderId: SENDER });
    expect(await reader.roomOf(BOB)).toEqual({ roomId, senderId: SENDER });
  }
});

/** The claims of a user, taken away from whoever had them. */
async function reclaimed(userId: UserId) {
  await database.db
    .updateTable('server_notice_deliveries')
    .set({ next_try_ts: 0 })
    .where('user_id', '=', userId)
    .execute();
  const [first] = (await deliveries.claimDue(1, LONG)).filter((notice) => notice.userId === userId);
  if (first === undefined) throw new Error('nothing to claim');
  return [first] as const;
}
