import { type Kysely, sql } from 'kysely';

/**
 * Events that users want sent later, and for a while what became of them. Times are ms since 1970 by this database's clock.
 *
 * - `due_ts` is when it is to be sent, `next_try_ts` when somebody must look at it: then, or when a claim on it has run out.
 * - `claimed`: somebody sends it, or died while doing so, and it may be in its room already. `attempts` counts the claims.
 * - `transaction_key`: of the request that asked for it; null where the client named no transaction.
 * - `content`, `error`: JSON as text, which may hold what `jsonb` refuses.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `CREATE TABLE delayed_events (
       delay_id text COLLATE "C" PRIMARY KEY,
       user_id text COLLATE "C" NOT NULL,
       transaction_key bytea UNIQUE,
       room_id text COLLATE "C" NOT NULL,
       type text COLLATE "C" NOT NULL,
       state_key text COLLATE "C",
       content text NOT NULL,
       delay_ms bigint NOT NULL,
       scheduled_ts bigint NOT NULL,
       due_ts bigint NOT NULL,
       next_try_ts bigint NOT NULL,
       claimed boolean NOT NULL DEFAULT false,
       attempts int NOT NULL DEFAULT 0,
       finalised_ts bigint,
       event_id text COLLATE "C",
       error text) WITH (fillfactor = 70)`,
    'CREATE INDEX delayed_events_next_try ON delayed_events (next_try_ts) WHERE finalised_ts IS NULL',
    'CREATE INDEX delayed_events_scheduled ON delayed_events (user_id, due_ts) WHERE finalised_ts IS NULL',
    'CREATE INDEX delayed_events_finalised ON delayed_events (user_id, finalised_ts) WHERE finalised_ts IS NOT NULL',
    'CREATE INDEX delayed_events_by_age ON delayed_events (finalised_ts) WHERE finalised_ts IS NOT NULL',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
