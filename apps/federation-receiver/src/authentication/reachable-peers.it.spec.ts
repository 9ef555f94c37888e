import type { ServerName } from '@atoll/matrix';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { HS2, HS3, startTransactionTest } from '../send-transaction/test-transactions.spec-support.js';

let test: Awaited<ReturnType<typeof startTransactionTest>>;
beforeAll(async () => {
  test = await startTransactionTest();
});
afterAll(() => test.stop());

async function until(condition: () => Promise<boolean>): Promise<void> {
  while (!(await condition())) await new Promise((resolve) => setTimeout(resolve, 10));
}

it('a server that sends a request is tried again at once; this is announced, if it was waited for', async () => {
  const { db } = test.database;
  const row = (destination: ServerName) => ({
    ...{ destination, partition: 1, sent_position: 4 },
    ...{ failing_since: 1, retry_at: Date.now() + 3_600_000, retry_interval_ms: 8 },
  });
  await db.insertInto('destinations').values(row(HS2)).execute();
  const retryAt = async () =>
    (await db.selectFrom('destinations').select('retry_at').executeTakeFirstOrThrow()).retry_at;
  const announced = () => test.announced('destination-reachable');

  expect((await test.send([], { origin: HS3 })).status).toBe(200);
  expect((await test.send([], { origin: 'nobody.invalid' as ServerName })).status).toBe(401);
  expect(await retryAt()).not.toBeNull();

  expect((await test.send([])).status).toBe(200);
  await until(async () => (await announced()).length > 0);
  expect(await retryAt()).toBeNull();
  expect(await announced()).toEqual([{ destination: HS2 }]);

  // The database is told once a minute at most.
  await db.updateTable('destinations').set({ retry_at: 5 }).execute();
  expect((await test.send([])).status).toBe(200);
  expect(await retryAt()).toBe(5);
});
