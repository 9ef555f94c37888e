import { sql } from 'kysely';
import type { Database } from './open-database.js';

/** Resolves when PostgreSQL answers; for readiness checks. */
export async function pingDatabase({ db }: Database): Promise<void> {
  await sql`SELECT 1`.execute(db);
}
