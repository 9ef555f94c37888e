import { type Kysely, sql } from 'kysely';

/** Finds the event of a room that is nearest to a time. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE INDEX events_by_time ON events (room_nid, origin_server_ts)`.execute(db);
}
