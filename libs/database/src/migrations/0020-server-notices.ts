import { type Kysely, sql } from 'kysely';

/**
 * What operators tell users, and in which room. Times are ms since 1970 by this database's clock.
 *
 * - `server_notices`: every notice ever sent, so that one that is asked for again is not sent again.
 * - `server_notice_deliveries`: whom a notice has not reached yet. `next_try_ts` is when somebody must look at it, which a claim puts off;
 *   null when it was given up.
 * - `server_notice_rooms`: where a user was told last, and by whom.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `CREATE TABLE server_notices (
       notice_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       notice_id text COLLATE "C" NOT NULL UNIQUE,
       body text NOT NULL,
       created_ts bigint NOT NULL)`,
    `CREATE TABLE server_notice_deliveries (
       user_id text COLLATE "C" NOT NULL REFERENCES users,
       notice_nid bigint NOT NULL REFERENCES server_notices,
       next_try_ts bigint,
       attempts int NOT NULL DEFAULT 0,
       refusals int NOT NULL DEFAULT 0,
       PRIMARY KEY (user_id, notice_nid)) WITH (fillfactor = 70)`,
    `CREATE INDEX server_notice_deliveries_next_try ON server_notice_deliveries (next_try_ts)
       WHERE next_try_ts IS NOT NULL`,
    'CREATE INDEX server_notice_deliveries_by_notice ON server_notice_deliveries (notice_nid)',
    `CREATE TABLE server_notice_rooms (
       user_id text COLLATE "C" PRIMARY KEY REFERENCES users,
       sender_id text COLLATE "C" NOT NULL,
       room_id text COLLATE "C" NOT NULL)`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
