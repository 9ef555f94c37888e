import type { Database } from '@atoll/database';
import { setTimeout as sleep } from 'node:timers/promises';

/** Longer than leases take to notice a change and to act on it. */
const STEADY_MS = 2500;
const PATIENCE_MS = 60_000;

/** Resolves when so many processes share all partitions and nothing moves any more. @throws Error when that takes too long */
export async function partitionsSettled({ db }: Database, owners: number): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  let before = '';
  let since = Date.now();
  while (Date.now() < deadline) {
    const rows = await db
      .selectFrom('partitions')
      .select(['partition', 'owner', 'epoch'])
      .where('kind', '=', 'room-state')
      .orderBy('partition')
      .execute();
    const now = JSON.stringify(rows);
    if (now !== before) since = Date.now();
    before = now;
    const names = new Set(rows.map(({ owner }) => owner));
    if (names.size === owners && !names.has(null) && Date.now() - since > STEADY_MS) return;
    await sleep(100);
  }
  throw new Error(`the partitions did not settle on ${owners} room-state processes`);
}
