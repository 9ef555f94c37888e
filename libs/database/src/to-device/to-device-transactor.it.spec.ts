import { testDatabase } from '@atoll/embedded';
import type { DeviceId, ServerName, UserId } from '@atoll/matrix';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { sql } from 'kysely';
import { commitInLanes } from '../commit-in-lanes.js';
import { migrateToLatest } from '../migrate.js';
import { type Database, openDatabase } from '../open-database.js';
import { countInboxes, countOutboxes } from './count-fills.js';
import { type Fill, MAX_OF_OTHER_SERVERS, MAX_OF_SENDER, MAX_WAITING, SHARED_FROM } from './fill.js';
import type { ToDeviceRequest } from './to-device-request.js';
import { ToDeviceTransactor } from './to-device-transactor.js';
import { KnownWaiting } from './waiting-for.js';

const alice = '@alice:hs1' as UserId;
const bob = '@bob:hs1' as UserId;
const eve = '@eve:hs2' as UserId;
const hs2 = 'hs2' as ServerName;
const phone = { userId: bob, deviceId: 'PHONE' as DeviceId };
const laptop = { userId: bob, deviceId: 'LAPTOP' as DeviceId };

let pg: Awaited<ReturnType<typeof testDatabase>>;
let database: Database;

beforeAll(async () => {
  pg = await testDatabase();
  database = openDatabase({ url: pg.url, poolSize: 4, applicationName: 'spec' });
  await migrateToLatest(database.db);
  await database.db
    .insertInto('users')
    .values({ user_id: bob, created_ts: 0, password_hash: null })
    .execute();
});
beforeEach(async () => {
  await database.db.deleteFrom('devices').execute();
  await database.db.deleteFrom('outgoing_to_device').execute();
  for (const { userId, deviceId } of [phone, laptop]) {
    await database.db
      .insertInto('devices')
      .values({ user_id: userId, device_id: deviceId, last_seen_ts: 0 })
      .execute();
  }
});
afterAll(async () => {
  await database.close();
  await pg.drop();
});

let keys = 0;
const requestOf = (more: Partial<ToDeviceRequest> = {}): ToDeviceRequest => ({
  ...{ key: `${(keys += 1)}`, sender: alice, type: 'm.test', outgoing: [], whenFull: 'remember' },
  local: new Map([[bob, new Map([['PHONE', '{}']])]]),
  ...more,
});
const send = async (known: KnownWaiting, ...requests: ToDeviceRequest[]) => {
  const { outcomes } = await commitInLanes(database.db, (trx, closing) =>
    new ToDeviceTransactor(trx, closing, known).send(requests),
  );
  return outcomes.map((one) => (one.outcome === 'taken_in' ? one.leftOut : one.outcome));
};
const fillInbox = ({ userId, deviceId }: typeof phone, sender: UserId, count: number) =>
  sql`INSERT INTO to_device (user_id, device_id, position, sender, type, content)
    SELECT ${userId}, ${deviceId}, 0, ${sender}, 'm.test', '{}' FROM generate_series(1, ${sql.lit(count)})`.execute(
    database.db,
  );
const waitingFor = async ({ deviceId }: typeof phone) =>
  (await database.db.selectFrom('to_device').select('sender').where('device_id', '=', deviceId).execute())
    .length;

describe('how full inboxes are', () => {
  it('is counted by sender and by whether its server is another', async () => {
    await fillInbox(phone, alice, 1_500);
    await fillInbox(phone, eve, 1_000);
    await fillInbox(phone, '@mallory:xhs1' as UserId, 10);
    const count = () => database.db.transaction().execute((trx) => countInboxes(trx, [laptop, phone]));
    const [[empty, shared], [, full]] = [await count(), await count()];
    const room = (fill: Fill | undefined, sender: UserId, isOfOther: boolean, most: number) =>
      [most, most + 1].map((one) => fill?.hasRoom(sender, isOfOther, one));
    expect(room(shared, alice, false, SHARED_FROM - 2_510)).toEqual([true, false]);
    shared?.add(bob, false, SHARED_FROM - 2_510);
    expect(room(shared, alice, false, MAX_OF_SENDER - 1_500)).toEqual([true, false]);
    expect(room(shared, eve, true, MAX_OF_SENDER - 1_000)).toEqual([true, false]);
    full?.add(bob, true, MAX_OF_OTHER_SERVERS - 1_010 - 1);
    expect(room(full, eve, true, 1)).toEqual([true, false]);
    full?.add(bob, false, MAX_WAITING - MAX_OF_OTHER_SERVERS - 1_500);
    expect(room(full, eve, false, 1)).toEqual([true, false]);
    expect(empty?.hasRoom(alice, false, MAX_OF_SENDER)).toBe(true);
  });

  it('is counted for other servers too', async () => {
    const outgoing = Array.from({ length: 1_000 }, () => ({ destination: hs2, partition: 0, content: '{}' }));
    await send(new KnownWaiting(), requestOf({ outgoing }));
    const [fill] = await database.db.transaction().execute((trx) => countOutboxes(trx, [hs2]));
    fill?.add(bob, false, SHARED_FROM - 1_000);
    expect(fill?.hasRoom(alice, false, MAX_OF_SENDER - 1_000)).toBe(true);
    expect(fill?.hasRoom(alice, false, MAX_OF_SENDER - 999)).toBe(false);
  });

  it('is not counted by the usual request', async () => {
    const known = new KnownWaiting();
    expect(await send(known, requestOf())).toEqual([0]);
    // Nothing that a process knows says so.
    await fillInbox(phone, alice, SHARED_FROM);
    expect(await send(known, requestOf())).toEqual([0]);
    expect(await send(new KnownWaiting(), requestOf())).toEqual(['full']);
  });

  it('is counted of any number of devices', async () => {
    const ids = Array.from({ length: 45 }, (_, n) => `D${n}`);
    await database.db
      .insertInto('devices')
      .values(ids.map((device_id) => ({ user_id: bob, device_id, last_seen_ts: 0 }) as never))
      .execute();
    await fillInbox({ userId: bob, deviceId: 'D40' as DeviceId }, alice, SHARED_FROM);
    const request = requestOf({ local: new Map([[bob, new Map([['*', '{}']])]]) });
    expect(await send(new KnownWaiting(), request)).toEqual([1]);
    const [{ left_out }] = (await database.db
      .selectFrom('to_device_requests')
      .select('left_out')
      .where('request_key', '=', request.key)
      .execute()) as [{ left_out: string }];
    expect(JSON.parse(left_out)).toEqual({ devices: [[bob, 'D40']], destinations: [] });
  });

  it('is counted from an index alone', async () => {
    await fillInbox(laptop, eve, 20_000);
    await fillInbox(phone, alice, 5_000);
    await sql`VACUUM ANALYZE to_device`.execute(database.db);
    const { rows } = await sql<Record<string, string>>`EXPLAIN SELECT sender FROM to_device t
      WHERE t.user_id = ${bob} AND t.device_id = 'PHONE' LIMIT 10000`.execute(database.db);
    expect(JSON.stringify(rows)).toContain('Index Only Scan using to_device_inbox');
  });
});

describe('many large messages of one commit', () => {
  it('are written in their order, by as many statements as they take', async () => {
    const contents = Array.from({ length: 20 }, (_, n) => JSON.stringify({ n, x: 'x'.repeat(60_000) }));
    const requests = contents.map((content) =>
      requestOf({ local: new Map([[bob, new Map([['*', content]])]]) }),
    );
    expect(await send(new KnownWaiting(), ...requests)).toEqual(contents.map(() => 0));
    for (const { deviceId } of [phone, laptop]) {
      const rows = await database.db
        .selectFrom('to_device')
        .select('content')
        .where('device_id', '=', deviceId)
        .orderBy('position')
        .execute();
      expect(rows.map(({ content }) => content)).toEqual(contents);
    }
  });
});

describe('requests of one commit that are the same', () => {
  it('have the same outcome', async () => {
    await fillInbox(phone, alice, SHARED_FROM);
    const request = requestOf({ local: new Map([[bob, new Map([['*', '{}']])]]) });
    expect(await send(new KnownWaiting(), request, request)).toEqual([1, 1]);
    await database.db.deleteFrom('to_device').where('device_id', '=', phone.deviceId).execute();
    expect(await send(new KnownWaiting(), request, request)).toEqual([0, 'repeated']);
    expect(await send(new KnownWaiting(), request)).toEqual(['repeated']);
    expect([await waitingFor(phone), await waitingFor(laptop)]).toEqual([1, 1]);
  });
});
