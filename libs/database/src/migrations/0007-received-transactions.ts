import { type Kysely, sql } from 'kysely';

/**
 * Transactions of other servers.
 *
 * - `received_transactions`: those that were answered, with the text to answer again.
 * - `transaction_claims`: servers of which one is being taken in, by whom and until when. Lost in a crash of PostgreSQL, which also
 *   ends whoever held one: a commit without its claim fails.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE received_transactions (
    origin text COLLATE "C" NOT NULL,
    transaction_id text COLLATE "C" NOT NULL,
    response text NOT NULL,
    received_ts bigint NOT NULL,
    PRIMARY KEY (origin, transaction_id))`.execute(db);
  await sql`CREATE INDEX received_transactions_by_age ON received_transactions (received_ts)`.execute(db);
  await sql`CREATE UNLOGGED TABLE transaction_claims (
    origin text COLLATE "C" PRIMARY KEY,
    claim uuid NOT NULL,
    expires_at timestamptz NOT NULL) WITH (fillfactor = 50)`.execute(db);
}
