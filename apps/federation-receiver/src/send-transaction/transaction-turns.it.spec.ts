import { randomUUID } from 'node:crypto';
import { ReceivedTransactionTransactor, TransactionClaimLost } from '@atoll/database';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Kysely, sql } from 'kysely';
import { eventIn, HS2, HS3, startTransactionTest, type TestRoom } from './test-transactions.spec-support.js';

const HOUR = 3_600_000;

describe('transactions of one server', () => {
  let test: Awaited<ReturnType<typeof startTransactionTest>>;
  let transactor: ReceivedTransactionTransactor;
  let room: TestRoom;
  beforeAll(async () => {
    test = await startTransactionTest();
    transactor = new ReceivedTransactionTransactor(test.database);
  });
  afterAll(() => test.stop());
  beforeEach(async () => {
    room = await test.room();
  });

  const event = () => eventIn(room, test.keys[HS2] as never);
  const answered = (txnId: string) =>
    test.database.db
      .selectFrom('received_transactions')
      .selectAll()
      .where('transaction_id', '=', txnId)
      .execute();
  const claims = async () =>
    (await sql`SELECT FROM transaction_claims`.execute(test.database.db)).rows.length;
  const busy = { status: 503, body: { errcode: 'M_LIMIT_EXCEEDED', retry_after_ms: expect.any(Number) } };

  /** Resolves when the receiver waits for a lock that the test holds. */
  async function untilBlocked(db: Kysely<never>): Promise<number[]> {
    for (;;) {
      const { rows } = await sql<{
        pid: number;
      }>`SELECT pid FROM pg_stat_activity WHERE datname = current_database()
        AND wait_event_type = 'Lock' AND application_name LIKE 'federation-receiver%'`.execute(db);
      if (rows.length > 0) return rows.map(({ pid }) => pid);
    }
  }

  it('that repeat are answered as the first time, whatever they hold then', async () => {
    const { pdu, eventId } = await event();
    const first = await test.send([pdu], { txnId: 'again' });
    expect(first.body).toEqual({ pdus: { [eventId]: {} } });
    await test.database.db.deleteFrom('staged_pdus').execute();
    expect(await test.send([], { txnId: 'again' })).toEqual(first);
    expect(await test.staged(room.roomId)).toEqual([]);
    // Ids are the server's own: another one may use the same.
    expect((await test.send([], { txnId: 'again', origin: HS3 })).body).toEqual({ pdus: {} });
  });

  it('that come several times at once are taken in once', async () => {
    const { pdu, eventId } = await event();
    const txnId = randomUUID();
    const answers = await Promise.all([1, 2, 3].map(() => test.send([pdu], { txnId })));
    for (const answer of answers) expect(answer).toEqual({ status: 200, body: { pdus: { [eventId]: {} } } });
    expect(await test.staged(room.roomId)).toHaveLength(1);
    expect(await answered(txnId)).toHaveLength(1);
    expect(await claims()).toBe(0);
  });

  it('that are different wait for one another', async () => {
    const events = await Promise.all([event(), event(), event()]);
    const answers = await Promise.all(events.map(({ pdu }) => test.send([pdu])));
    expect(answers.map(({ body }) => body)).toEqual(
      events.map(({ eventId }) => ({ pdus: { [eventId]: {} } })),
    );
  });

  it('wait in a bounded number while another instance has one, and not for those of other servers', async () => {
    await transactor.claim(HS2, randomUUID(), HOUR);
    const waiting = Array.from({ length: 5 }, () => test.send([]));
    expect(await Promise.race(waiting)).toMatchObject(busy);
    expect((await test.send([], { origin: HS3 })).status).toBe(200);
    await test.database.db.deleteFrom('transaction_claims').execute();
    const statuses = (await Promise.all(waiting)).map(({ status }) => status);
    expect(statuses.sort()).toEqual([200, 200, 200, 200, 503]);
  });

  it('are taken in soon after the instance that had one was killed', async () => {
    expect(await transactor.claim(HS2, randomUUID(), 500)).toBe(true);
    expect(await transactor.claim(HS2, randomUUID(), 500)).toBe(false);
    expect((await test.send([])).status).toBe(200);
  });

  it('are refused when the one before takes too long', async () => {
    await transactor.claim(HS2, randomUUID(), HOUR);
    expect(await test.send([])).toMatchObject(busy);
    await test.database.db.deleteFrom('transaction_claims').execute();
  });

  it('are not committed by an instance whose claim has ended meanwhile', async () => {
    const [first, second] = [randomUUID(), randomUUID()];
    await transactor.claim(HS2, first, -1);
    expect(await transactor.claim(HS2, second, HOUR)).toBe(true);
    const transaction = { id: 'late', response: '{}', pdus: [] };
    await expect(transactor.record(HS2, first, transaction)).rejects.toThrow(TransactionClaimLost);
    await transactor.renew(HS2, first, HOUR);
    await transactor.release(HS2, first);
    expect(await answered('late')).toEqual([]);
    await transactor.record(HS2, second, transaction);
    expect(await answered('late')).toHaveLength(1);
  });

  it('whose commit is cut off leave nothing, and are taken in when they come again', async () => {
    const { pdu, eventId } = await event();
    const txnId = randomUUID();
    const { db } = test.database;
    await db.transaction().execute(async (transaction) => {
      await sql`SET LOCAL idle_in_transaction_session_timeout = 0`.execute(transaction);
      await sql`LOCK TABLE staged_pdus IN EXCLUSIVE MODE`.execute(transaction);
      const sent = test.send([pdu], { txnId });
      for (const pid of await untilBlocked(transaction as never))
        await sql`SELECT pg_terminate_backend(${pid})`.execute(transaction);
      expect(await sent).toMatchObject(busy);
    });
    expect(await answered(txnId)).toEqual([]);
    expect(await test.send([pdu], { txnId })).toEqual({ status: 200, body: { pdus: { [eventId]: {} } } });
    expect(await test.staged(room.roomId)).toHaveLength(1);
  });

  it('are forgotten when they are old', async () => {
    await test.send([], { txnId: 'old' });
    await test.send([], { txnId: 'new' });
    const old = { received_ts: Date.now() - 2 * HOUR };
    await test.database.db
      .updateTable('received_transactions')
      .set(old)
      .where('transaction_id', '=', 'old')
      .execute();
    await transactor.deleteOlderThan(HOUR);
    expect(await answered('old')).toEqual([]);
    expect(await answered('new')).toHaveLength(1);
  });
});
