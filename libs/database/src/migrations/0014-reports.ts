import { type Kysely, sql } from 'kysely';

/** What users report to the administrators: an event, a room or a user. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `CREATE TABLE reports (
       report_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       reporter text COLLATE "C" NOT NULL,
       room_id text COLLATE "C",
       event_id text COLLATE "C",
       user_id text COLLATE "C",
       reason text NOT NULL,
       received_ts bigint NOT NULL)`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
