import { type Kysely, sql } from 'kysely';
import { sqlState } from './database-errors.js';
import type { DatabaseSchema } from './schema/database-schema.js';

/** A query was ended because it took longer than its caller allows. */
export class ReadTookTooLong extends Error {
  override readonly name = 'ReadTookTooLong';
}

const QUERY_CANCELED = '57014';

/**
 * Runs queries whose effort depends on what the caller asks for, each within a time.
 * @throws ReadTookTooLong
 */
export async function boundedRead<T>(
  db: Kysely<DatabaseSchema>,
  timeoutMs: number,
  read: (db: Kysely<DatabaseSchema>) => Promise<T>,
): Promise<T> {
  try {
    return await db.transaction().execute(async (trx) => {
      await sql`SET LOCAL statement_timeout = ${sql.lit(timeoutMs)}`.execute(trx);
      return read(trx);
    });
  } catch (error) {
    if (sqlState(error) === QUERY_CANCELED) throw new ReadTookTooLong('a query was ended', { cause: error });
    throw error;
  }
}
