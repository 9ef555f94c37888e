import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { JsonObject, JsonValue, UserId } from '@atoll/matrix';
import { EVE, HS3, type SendOptions, startTransactionTest } from './test-transactions.spec-support.js';

const ALICE = '@alice:hs1' as UserId;
const BOB = '@bob:hs1' as UserId;

describe('messages to devices, from other servers', () => {
  let test: Awaited<ReturnType<typeof startTransactionTest>>;
  let ids = 0;
  beforeAll(async () => {
    test = await startTransactionTest();
    const { db } = test.database;
    for (const user_id of [ALICE, BOB]) {
      await db.insertInto('users').values({ user_id, created_ts: 0, password_hash: null }).execute();
      for (const device_id of ['PHONE', 'LAPTOP']) {
        await db
          .insertInto('devices')
          .values({ user_id, device_id, last_seen_ts: 0 } as never)
          .execute();
      }
    }
  });
  beforeEach(() => test.database.db.deleteFrom('to_device').execute());
  afterAll(() => test.stop());

  const message = (messages: JsonValue, more: JsonObject = {}): JsonObject => ({
    ...{ sender: EVE, type: 'm.test', message_id: `m${(ids += 1)}`, messages },
    ...more,
  });
  const send = async (contents: readonly JsonValue[], options: Omit<SendOptions, 'edus'> = {}) => {
    const edus = contents.map((content) => ({ edu_type: 'm.direct_to_device', content }));
    expect(await test.send([], { ...options, edus })).toEqual({ status: 200, body: { pdus: {} } });
  };
  const inboxes = async () => {
    const rows = await test.database.db
      .selectFrom('to_device')
      .select(['user_id', 'device_id', 'sender', 'type', 'content'])
      .orderBy('position')
      .execute();
    return rows.map((row) => `${row.user_id} ${row.device_id} ${row.sender} ${row.type} ${row.content}`);
  };

  it('reach the devices that they name, all of a user by a star, in order', async () => {
    await send([
      message({
        [ALICE]: { PHONE: { n: 1 }, NOSUCH: { n: 1 } },
        '@nobody:hs1': { '*': {} },
        '@x:hs3': { '*': {} },
      }),
      message({ [BOB]: { '*': { n: 2 } } }),
    ]);
    expect(await inboxes()).toEqual([
      `${ALICE} PHONE ${EVE} m.test {"n":1}`,
      `${BOB} LAPTOP ${EVE} m.test {"n":2}`,
      `${BOB} PHONE ${EVE} m.test {"n":2}`,
    ]);
    expect(await test.announced('to-device-changed')).toEqual([{ position: expect.any(Number) }]);
  });

  it('may be more than 64 KiB in one EDU', async () => {
    const filler = {
      [BOB]: Object.fromEntries(Array.from({ length: 250 }, (_, n) => [`D${n}`, { x: 'x'.repeat(2_000) }])),
    };
    const contents = Array.from({ length: 23 }, () => message(filler));
    await send([...contents, message({ [ALICE]: { PHONE: { n: 1 } } })]);
    expect(await inboxes()).toEqual([`${ALICE} PHONE ${EVE} m.test {"n":1}`]);
  });

  it('are taken in once, whatever transactions bring them', async () => {
    const one = message({ [ALICE]: { PHONE: { n: 1 } } });
    await send([one], { txnId: 'first' });
    await send([one], { txnId: 'first' });
    await send([one, one, message({ [ALICE]: { PHONE: { n: 2 } } })]);
    expect(await inboxes()).toHaveLength(2);
    // Another server has ids of its own.
    await send([{ ...one, sender: '@x:hs3' }], { origin: HS3 });
    expect(await inboxes()).toHaveLength(3);
  });

  it('of the wrong form, or of another server, are dropped, and the others taken in', async () => {
    const good = { [ALICE]: { PHONE: { n: 1 } } };
    await send([
      ...[null, [], 'text', {}],
      message(good, { sender: '@eve:hs3' }),
      message(good, { sender: ALICE }),
      message(good, { sender: 7 }),
      message(good, { type: null }),
      message(good, { message_id: 7 }),
      message(good, { message_id: 'x'.repeat(300) }),
      message([good]),
      message({
        [ALICE]: [1],
        bob: { '*': {} },
        [BOB]: { PHONE: 'text', LAPTOP: 1e300, 'LAP\u0000TOP': {} },
      }),
      message({ [ALICE]: { PHONE: { x: 'x'.repeat(70_000) } } }),
      message(good),
    ]);
    expect(await inboxes()).toEqual([`${ALICE} PHONE ${EVE} m.test {"n":1}`]);
  });

  it('do not reach a device of which their sender has filled its share; all others do', async () => {
    // The receiver does not know yet how full its inbox is.
    await test.database.db
      .insertInto('devices')
      .values({ user_id: BOB, device_id: 'TABLET', last_seen_ts: 0 } as never)
      .execute();
    for (const [sender, count] of [
      [EVE, 10_000],
      [BOB, 115_000],
    ]) {
      await test.database.pool.query(
        `INSERT INTO to_device (user_id, device_id, position, sender, type, content)
         SELECT $1, 'TABLET', 0, $2, 'm.flood', '{}' FROM generate_series(1, $3::int)`,
        [BOB, sender, count],
      );
    }
    await send([message({ [BOB]: { '*': { n: 1 } } }), message({ [BOB]: { TABLET: { n: 2 } } })]);
    await send([message({ [BOB]: { TABLET: { n: 3 } } }, { sender: '@x:hs3' })], { origin: HS3 });
    expect((await inboxes()).filter((text) => !text.includes('m.flood'))).toEqual([
      `${BOB} LAPTOP ${EVE} m.test {"n":1}`,
      `${BOB} PHONE ${EVE} m.test {"n":1}`,
      `${BOB} TABLET @x:hs3 m.test {"n":3}`,
    ]);
    expect(await inboxes()).toHaveLength(125_003);
  });
});
