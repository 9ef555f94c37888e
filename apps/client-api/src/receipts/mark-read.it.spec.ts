import { AccountTransactor } from '@atoll/database';
import type { PlacedRow } from '@atoll/database/testing';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { startSyncApp, type SyncApp } from '../sync/sync-app.spec-support.js';

describe('the fully-read marker', () => {
  let app: SyncApp;
  beforeAll(async () => {
    app = await startSyncApp();
  });
  afterAll(() => app.close());

  const lockWaits = async () => {
    const { rows } = await app.database.pool.query<{ count: number }>(
      `SELECT count(*)::int FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'`,
    );
    return rows[0]?.count ?? 0;
  };
  async function waiting(requests: number): Promise<void> {
    while ((await lockWaits()) < requests) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  it('never goes backwards, whichever of two devices comes first', async () => {
    const alice = await app.register('alice');
    const room = await app.createRoom(alice.userId);
    const path = encodeURIComponent(room.roomId);
    const mark = async ({ eventId }: PlacedRow) => {
      const body = { 'm.fully_read': eventId };
      const { status } = await app.request('POST', `/rooms/${path}/read_markers`, {
        ...{ token: alice.token, body },
      });
      expect(status).toBe(200);
    };
    const marker = async () => {
      const url = `/user/${alice.userId}/rooms/${path}/account_data/m.fully_read`;
      return (await app.request('GET', url, { token: alice.token })).body['event_id'];
    };
    const events: PlacedRow[] = [];
    for (let n = 0; n < 5; n++) events.push(await room.message(alice.userId, `${n}`));
    const [first, second, third, fourth, fifth] = events as [
      PlacedRow,
      PlacedRow,
      PlacedRow,
      PlacedRow,
      PlacedRow,
    ];
    await mark(first);
    // Both have looked at the marker before either moves it.
    const together = (before: PlacedRow, after: PlacedRow) =>
      app.database.db.transaction().execute(async (trx) => {
        await new AccountTransactor(trx).lock(alice.userId);
        const moves = [mark(before)];
        await waiting(1);
        moves.push(mark(after));
        await waiting(2);
        return { moves };
      });
    await Promise.all((await together(third, second)).moves);
    expect(await marker()).toBe(third.eventId);
    await Promise.all((await together(fourth, fifth)).moves);
    expect(await marker()).toBe(fifth.eventId);
  });
});
