import { sql } from 'kysely';
import type { Database } from '../open-database.js';
import type { DeviceOfUser } from './key-count-transactor.js';

/** What others may claim of a device. */
export interface KeyCounts {
  /** Unclaimed one-time keys by algorithm. */
  readonly oneTimeKeys: Readonly<Record<string, number>>;
  /** Algorithms of fallback keys that nobody was given. */
  readonly unusedFallbackKeys: readonly string[];
}

/** What clients look for in the counts, even where there is none. */
const USUAL_ALGORITHM = 'signed_curve25519';

/** Reads the `key_counts` stream and what it is about. */
export class KeyCountReader {
  constructor(private readonly database: Database) {}

  /** As of now. */
  async of({ userId, deviceId }: DeviceOfUser): Promise<KeyCounts> {
    const { rows } = await sql<{ algorithm: string; count: number | null }>`
      SELECT algorithm, count(*) AS count FROM one_time_keys
      WHERE user_id = ${userId} AND device_id = ${deviceId} GROUP BY algorithm
      UNION ALL
      SELECT algorithm, NULL FROM fallback_keys
      WHERE user_id = ${userId} AND device_id = ${deviceId} AND NOT used`.execute(this.database.db);
    return {
      oneTimeKeys: Object.fromEntries([
        [USUAL_ALGORITHM, 0],
        ...rows.flatMap(({ algorithm, count }) => (count === null ? [] : [[algorithm, count] as const])),
      ]),
      unusedFallbackKeys: rows.flatMap(({ algorithm, count }) => (count === null ? [algorithm] : [])),
    };
  }

  /** Whether they changed after `from` up to `to`. */
  async changed({ userId, deviceId }: DeviceOfUser, from: number, to: number): Promise<boolean> {
    const row = await this.database.db
      .selectFrom('key_counts')
      .select('position')
      .where('user_id', '=', userId)
      .where('device_id', '=', deviceId)
      .where('position', '>', from)
      .where('position', '<=', to)
      .executeTakeFirst();
    return row !== undefined;
  }
}
