import { testDatabase } from '@atoll/embedded';
import type { RoomId, ServerName, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { commitInLanes } from '../commit-in-lanes.js';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { RoomRows } from '../room/room-rows.js';
import { type KnownPresence, PresenceReader } from './presence-reader.js';
import { type PresenceChange, PresenceTransactor } from './presence-transactor.js';

const alice = '@alice:hs1' as UserId;
const bob = '@bob:hs1' as UserId;
const eve = '@eve:hs2' as UserId;

describe('presence', () => {
  let pg: Awaited<ReturnType<typeof testDatabase>>;
  let database: Database;
  let reader: PresenceReader;

  beforeAll(async () => {
    pg = await testDatabase();
    database = openDatabase({ url: pg.url, poolSize: 4, applicationName: 'spec' });
    await migrateToLatest(database.db);
    reader = new PresenceReader(database);
  });
  afterAll(async () => {
    await database.close();
    await pg.drop();
  });

  /** The position that it gets. */
  async function change(users: UserId[], to: PresenceChange, isLocal = true): Promise<number | undefined> {
    const taken = await commitInLanes(database.db, (trx, closing) =>
      new PresenceTransactor(trx, closing).change(users, isLocal, to),
    );
    return taken?.at(0);
  }
  const set =
    (values: Partial<KnownPresence>): PresenceChange =>
    (before) => ({ ...before, ...values });
  const positionOf = async (userId: UserId) =>
    (await database.db.selectFrom('presence').select('position').where('user_id', '=', userId).execute())[0]
      ?.position;

  it('is told again as it is, also of a user of whom nothing is known', async () => {
    const [known, unknown] = ['@known:hs1', '@unknown:hs1'] as [UserId, UserId];
    const before = await change([known], set({ statusMsg: 'away', lastActiveTs: 7 }));
    const seen = await reader.of(known);
    for (const userId of [known, unknown]) {
      const taken = await commitInLanes(database.db, (trx, closing) =>
        new PresenceTransactor(trx, closing).tellAgain(userId),
      );
      expect(taken.at(0)).toBeGreaterThan(before ?? Infinity);
      expect(await positionOf(userId)).toBe(taken.at(0));
    }
    expect(await reader.of(known)).toEqual(seen);
    expect(await reader.of(unknown)).toMatchObject({ presence: 'offline', lastActiveTs: 0 });
  });

  it('gives one position to all whose presence visibly changes in a commit, and none to others', async () => {
    const first = await change([bob, alice, alice], set({ presence: 'online', currentlyActive: true }));
    expect([await positionOf(alice), await positionOf(bob)]).toEqual([first, first]);
    const second = await change([alice, bob], (before) => ({
      ...before,
      lastActiveTs: 7,
      updatedTs: 8,
      ...(before.userId === bob && { statusMsg: "it's" }),
    }));
    expect(second).toBeGreaterThan(first ?? Infinity);
    expect([await positionOf(alice), await positionOf(bob)]).toEqual([first, second]);
    expect(await change([alice], set({ lastActiveTs: 9 }))).toBeUndefined();
    expect(await change([alice], () => undefined)).toBeUndefined();
    expect(await change([], set({}))).toBeUndefined();
    expect(await reader.of(alice)).toEqual({
      userId: alice,
      presence: 'online',
      statusMsg: null,
      lastActiveTs: 9,
      currentlyActive: true,
    });
  });

  it('shows nobody by what is kept of them while they are offline', async () => {
    const carol = '@carol:hs1' as UserId;
    expect(await change([carol], set({ lastActiveTs: 5 }))).toBeUndefined();
    expect(await reader.of(carol)).toMatchObject({ presence: 'offline', lastActiveTs: 5 });
    expect(await positionOf(carol)).toBe(0);
  });

  it('lets changes of the same users wait for each other', async () => {
    await change([alice, bob], set({ lastActiveTs: 0 }));
    const add: PresenceChange = (before) => ({ ...before, lastActiveTs: before.lastActiveTs + 1 });
    const orders = Array.from({ length: 20 }, (_, i) => (i % 2 === 0 ? [alice, bob] : [bob, alice]));
    await Promise.all(orders.map((users) => change(users, add)));
    expect([(await reader.of(alice))?.lastActiveTs, (await reader.of(bob))?.lastActiveTs]).toEqual([20, 20]);
  });

  it('lists who is not offline, in pages', async () => {
    await change([eve], set({ presence: 'unavailable', updatedTs: 50 }), false);
    const page = (isLocal: boolean, after: UserId | '' = '', heardBefore?: number) =>
      reader.notOffline({ isLocal, after, ...(heardBefore !== undefined && { heardBefore }) }, 1);
    expect((await page(true)).map(({ userId }) => userId)).toEqual([alice]);
    expect((await page(true, alice)).map(({ userId }) => userId)).toEqual([bob]);
    expect(await page(true, bob)).toEqual([]);
    expect((await page(false, '', 51)).map(({ userId }) => userId)).toEqual([eve]);
    expect(await page(false, '', 50)).toEqual([]);
  });

  it('is seen by those who share a room', async () => {
    const room = await RoomRows.create(database, { roomId: '!room:hs1' as RoomId });
    await room.member(alice, 'join');
    await room.member(bob, 'invite');
    await room.member(eve, 'join');
    expect(await reader.sharesRoom(alice, eve)).toBe(true);
    expect(await reader.sharesRoom(eve, alice)).toBe(true);
    expect([await reader.sharesRoom(alice, bob), await reader.sharesRoom(bob, alice)]).toEqual([
      false,
      false,
    ]);
    const mallory = '@mallory:hs2' as UserId;
    expect(await reader.sharingWith('hs1' as ServerName, [eve, mallory])).toEqual([eve]);
    expect(await reader.sharingWith('hs3' as ServerName, [eve, mallory])).toEqual([]);
    await room.member(alice, 'leave');
    expect(await reader.sharesRoom(alice, eve)).toBe(false);
    expect(await reader.sharingWith('hs1' as ServerName, [eve])).toEqual([]);
  });
});
