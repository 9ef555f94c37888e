import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { testDatabase, type TestDatabase } from '@atoll/embedded';
import type { DeviceId, UserId } from '@atoll/matrix';
import { DeviceTransactor } from '../account/device-transactor.js';
import { commitInLanes } from '../commit-in-lanes.js';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { DeviceKeyTransactor } from './device-key-transactor.js';
import { DeviceListTransactor } from './device-list-transactor.js';
import { OutgoingDeviceReader } from './outgoing-device-reader.js';

describe('the log of changes of devices', () => {
  let server: TestDatabase;
  let database: Database;
  let user: UserId;
  let users = 0;

  beforeAll(async () => {
    server = await testDatabase();
    database = openDatabase({ url: server.url, poolSize: 1, applicationName: 'device-changes' });
    await migrateToLatest(database.db);
  });
  afterAll(async () => {
    await database.close();
    await server.drop();
  });
  beforeEach(async () => {
    user = `@user${users++}:x` as UserId;
    await database.db
      .insertInto('users')
      .values({ user_id: user, password_hash: null, is_admin: false, created_ts: 0 })
      .execute();
  });

  const devices = (work: (devices: DeviceTransactor) => Promise<unknown>) =>
    commitInLanes(database.db, (trx, closing) => work(new DeviceTransactor(trx, closing)));
  const logIn = (id: string) =>
    devices((all) =>
      all.logIn({ userId: user, deviceId: id as DeviceId, initialDisplayName: null, ip: null }),
    );
  const logOut = (id: string) => devices((all) => all.deleteDevices(user, [id as DeviceId]));
  const signAnew = (publicKey: string) =>
    commitInLanes(database.db, async (trx, closing) => {
      const key = { usage: 'master', publicKey, key: JSON.stringify({ publicKey }) } as const;
      await new DeviceKeyTransactor(trx).putCrossSigningKey(user, key, undefined);
      await new DeviceListTransactor(trx, closing).markChanged([user]);
    });
  const log = () =>
    database.db
      .selectFrom('device_changes')
      .select(['stream_id', 'device_id', 'prev_id'])
      .where('user_id', '=', user)
      .orderBy('stream_id')
      .execute();

  it('does not grow with devices that are gone', async () => {
    await logIn('STAYS');
    for (let n = 0; n < 150; n++) {
      await logIn(`BOT${n}`);
      await logOut(`BOT${n}`);
    }
    const rows = await log();
    expect(rows).toHaveLength(101);
    expect(rows[0]).toMatchObject({ device_id: 'STAYS', stream_id: 1 });
    // Whoever has not heard of those between finds that it has not.
    expect(rows[1]).toMatchObject({ stream_id: 202, prev_id: 201 });
    // One of them that comes back is new.
    await logIn('BOT0');
    expect((await log()).at(-1)).toEqual({ stream_id: 302, device_id: 'BOT0', prev_id: 301 });
  });

  it('keeps the end of the chain, however much is signed meanwhile', async () => {
    await logIn('STAYS');
    await logIn('GOES');
    await logOut('GOES');
    for (let n = 0; n < 150; n++) await signAnew(`key ${n}`);
    const end = { stream_id: 3, device_id: 'GOES', prev_id: 2 };
    expect((await log()).slice(0, 3)).toEqual([
      { stream_id: 1, device_id: 'STAYS', prev_id: null },
      end,
      expect.objectContaining({ device_id: '', stream_id: 54 }),
    ]);
    expect(await new OutgoingDeviceReader(database).newestOf([user])).toMatchObject([{ streamId: 3 }]);
    await logIn('NEXT');
    expect((await log()).at(-1)).toEqual({ stream_id: 154, device_id: 'NEXT', prev_id: 3 });
  });
});
