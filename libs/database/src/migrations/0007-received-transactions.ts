import { type Kysely, sql } from 'kysely';

/** Transactions of other servers that were answered, with the answer to give again. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE received_transactions (
    origin text COLLATE "C" NOT NULL,
    transaction_id text COLLATE "C" NOT NULL,
    response jsonb NOT NULL,
    received_ts bigint NOT NULL,
    PRIMARY KEY (origin, transaction_id))`.execute(db);
  await sql`CREATE INDEX received_transactions_by_age ON received_transactions (received_ts)`.execute(db);
}
