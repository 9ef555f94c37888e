import { type Kysely, sql } from 'kysely';

/**
 * The last answer of each server to the question for its keys, as text, with its signatures: what a notary gives on.
 * `server_keys` holds the same keys one by one, for checking signatures.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE server_key_answers (
    server_name text COLLATE "C" PRIMARY KEY,
    json text NOT NULL,
    fetched_ts bigint NOT NULL)`.execute(db);
}
