import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { DeviceId, UserId } from '@atoll/matrix';
import { type Kysely, type KyselyPlugin, sql } from 'kysely';
import { DeviceTransactor } from '../account/device-transactor.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { commitInLanes } from '../commit-in-lanes.js';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { OneTimeKeyTransactor } from './one-time-key-transactor.js';

const ALGORITHM = 'signed_curve25519';

describe('a claim of many keys', () => {
  let server: TestDatabase;
  let database: Database;

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 4, applicationName: 'one-time-keys' });
    await migrateToLatest(database.db);
  });
  afterAll(async () => {
    await database.close();
    await server.drop();
  });

  /** Devices with names that need quoting, half of them with a one-time key, all with a fallback key. */
  async function devices(prefix: string, count: number) {
    const users = Array.from({ length: count }, (_, n) => `@${prefix}${n}:x` as UserId);
    const deviceId = `D"'\\{},` as DeviceId;
    await sql`
      WITH u AS (
        INSERT INTO users (user_id, password_hash, is_admin, created_ts)
        SELECT user_id, NULL, false, 0 FROM unnest(${users}::text[]) AS user_id RETURNING user_id),
      d AS (
        INSERT INTO devices (user_id, device_id, last_seen_ts)
        SELECT user_id, ${deviceId}, 0 FROM u RETURNING user_id, device_id),
      f AS (
        INSERT INTO fallback_keys (user_id, device_id, algorithm, key_id, key)
        SELECT user_id, device_id, ${ALGORITHM}, 'f', '"fallback"' FROM d)
      INSERT INTO one_time_keys (user_id, device_id, algorithm, key_id, key)
      SELECT user_id, device_id, ${ALGORITHM}, 'o', '"once"' FROM d
      WHERE user_id = any(${users.slice(0, count / 2)})`.execute(database.db);
    return users.map((userId) => ({ userId, deviceId, algorithm: ALGORITHM }));
  }

  it('is as few statements as one of two, also those that close it', async () => {
    const counts = [];
    for (const count of [2, 400]) {
      const wanted = await devices(`statements${count}-`, count);
      const counted = { statements: 0, closing: 0 };
      const counter: KyselyPlugin = {
        transformQuery: ({ node }) => {
          counted.statements += 1;
          return node;
        },
        transformResult: ({ result }) => Promise.resolve(result),
      };
      const { keys } = await commitInLanes(database.db, async (trx, closing) => {
        const claimed = await new OneTimeKeyTransactor(trx.withPlugin(counter), closing).claim(wanted);
        counted.closing = closing.toStatements().length;
        return claimed;
      });
      expect(Map.groupBy(keys, ({ key }) => key).get('once')).toHaveLength(count / 2);
      expect(keys).toHaveLength(count);
      counts.push(counted);
    }
    expect(counts[1]).toEqual(counts[0]);
  });

  it('marks the devices of which keys were given out, at one position', async () => {
    const wanted = await devices('marked', 20);
    const positions = async () => {
      const rows = await database.db
        .selectFrom('key_counts')
        .select('position')
        .where('user_id', 'like', '@marked%' as UserId)
        .execute();
      return rows.map(({ position }) => position);
    };
    const claim = () =>
      commitInLanes(database.db, (trx, closing) => new OneTimeKeyTransactor(trx, closing).claim(wanted));
    const first = (await claim()).counts?.at(0);
    expect(await positions()).toEqual(Array(20).fill(first));
    // Ten have given out their one-time key before, and now their fallback key for the first time.
    const second = (await claim()).counts?.at(0);
    const after = await positions();
    expect(after.filter((position) => position === second)).toHaveLength(10);
    expect(after.filter((position) => position === first)).toHaveLength(10);
    expect((await claim()).counts).toBeUndefined();
  });

  it('does not wait for ever for others that claim the same in another order', async () => {
    const wanted = await devices('order', 100);
    for (let round = 0; round < 3; round++) {
      const claims = [wanted, wanted.toReversed(), wanted, wanted.toReversed()].map((some) =>
        commitInLanes(database.db, (trx, closing) => new OneTimeKeyTransactor(trx, closing).claim(some)),
      );
      for (const { keys } of await Promise.all(claims)) expect(keys).toHaveLength(100);
      await database.db.updateTable('fallback_keys').set({ used: false }).execute();
    }
  });

  it('gives out nothing of devices that are deleted meanwhile, leaves nothing behind, and neither waits for ever', async () => {
    const userId = '@deleted:x' as UserId;
    const deviceIds = ['D1', 'D2'] as DeviceId[];
    await database.db
      .insertInto('users')
      .values({ user_id: userId, created_ts: 0, password_hash: null })
      .execute();
    for (const device_id of deviceIds) {
      const device = { user_id: userId, device_id };
      const key = { ...device, algorithm: ALGORITHM, key_id: 'k', key: '"key"' };
      await database.db
        .insertInto('devices')
        .values({ ...device, last_seen_ts: 0 })
        .execute();
      if (device_id === 'D2') await database.db.insertInto('one_time_keys').values(key).execute();
      await database.db.insertInto('fallback_keys').values(key).execute();
    }
    const wanted = deviceIds.map((deviceId) => ({ userId, deviceId, algorithm: ALGORITHM })).toReversed();
    const { claimed } = await commitInLanes(database.db, async (trx, closing) => {
      await sql`SELECT FROM devices WHERE user_id = ${userId} AND device_id = 'D1' FOR UPDATE`.execute(trx);
      const claim = commitInLanes(database.db, (other, ending) =>
        new OneTimeKeyTransactor(other, ending).claim(wanted),
      );
      await untilOneWaits(trx);
      await new DeviceTransactor(trx, closing).deleteDevices(userId, deviceIds);
      return { claimed: claim };
    });
    expect((await claimed).keys).toEqual([]);
    for (const table of ['key_counts', 'claimed_one_time_keys', 'fallback_keys'] as const) {
      expect(
        await database.db.selectFrom(table).select('user_id').where('user_id', '=', userId).execute(),
      ).toEqual([]);
    }
  });
});

/** Waits for a transaction that waits for this one. */
async function untilOneWaits(trx: Kysely<DatabaseSchema>): Promise<void> {
  for (let waits = false; !waits;) {
    const { rows } = await sql`
      SELECT FROM pg_stat_activity WHERE pg_backend_pid() = ANY(pg_blocking_pids(pid))`.execute(trx);
    waits = rows.length > 0;
  }
}
