import { sql } from 'kysely';
import type { Database } from '../open-database.js';

/** Forgets requests that nobody repeats any more. */
export class ToDeviceRequestsTransactor {
  constructor(private readonly database: Database) {}

  /** @returns how many it forgot, at most `limit` */
  async deleteOlderThan(ageMs: number, limit: number): Promise<number> {
    const { numAffectedRows = 0n } = await sql`
      DELETE FROM to_device_requests WHERE request_key IN (
        SELECT request_key FROM to_device_requests WHERE created_ts < ${Date.now() - ageMs}
        ORDER BY created_ts LIMIT ${limit} FOR UPDATE SKIP LOCKED)`.execute(this.database.db);
    return Number(numAffectedRows);
  }
}
