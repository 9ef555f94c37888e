import { sql, type Transaction } from 'kysely';
import { anyOf } from '../any-of.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import type { LeftOut, ToDeviceRequest } from './to-device-request.js';

/** What is known of a request: nothing, that it was taken in, or whom it left out. */
export type Remembered = 'new' | 'complete' | LeftOut;

/** Remembers which requests were taken in, and whom they left out. */
export class RememberedRequests {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /**
   * Remembers those that are new, and holds the others: of two at once that are the same, one goes on, and the other sees what became of
   * it. Rows are locked in the order of their keys.
   */
  async hold(requests: readonly Pick<ToDeviceRequest, 'key' | 'device'>[]): Promise<Map<string, Remembered>> {
    const created_ts = Date.now();
    const keys = requests.map(({ key }) => key);
    const rows = requests.map(({ key: request_key, device }) => {
      return { request_key, created_ts, user_id: device?.userId, device_id: device?.deviceId };
    });
    const inserted = await this.transaction
      .insertInto('to_device_requests')
      .values(rows.toSorted((a, b) => (a.request_key < b.request_key ? -1 : 1)))
      .onConflict((conflict) => conflict.doNothing())
      .returning('request_key')
      .execute();
    const held = new Map<string, Remembered>(inserted.map(({ request_key }) => [request_key, 'new']));
    const known = keys.filter((key) => !held.has(key));
    if (known.length === 0) return held;
    const found = await this.transaction
      .selectFrom('to_device_requests')
      .select(['request_key', 'left_out'])
      .where('request_key', '=', anyOf(known))
      .orderBy('request_key')
      .forUpdate()
      .execute();
    // Where the sweep of old ones, or the end of its device, came between, nobody waits for it any more.
    for (const key of known) held.set(key, 'complete');
    for (const { request_key, left_out } of found) {
      held.set(request_key, left_out === null ? 'complete' : (JSON.parse(left_out) as LeftOut));
    }
    return held;
  }

  /** Undefined means that it left out nobody. */
  async setLeftOut(requests: ReadonlyMap<string, LeftOut | undefined>): Promise<void> {
    if (requests.size === 0) return;
    const texts = [...requests.values()].map((leftOut) => (leftOut ? JSON.stringify(leftOut) : null));
    await sql`
      UPDATE to_device_requests r SET left_out = n.left_out
      FROM unnest(${[...requests.keys()]}::text[], ${texts}::text[]) AS n(request_key, left_out)
      WHERE r.request_key = n.request_key`.execute(this.transaction);
  }

  /** Those that were refused. */
  async forget(keys: readonly string[]): Promise<void> {
    if (keys.length === 0) return;
    await this.transaction.deleteFrom('to_device_requests').where('request_key', '=', anyOf(keys)).execute();
  }
}
