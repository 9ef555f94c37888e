import { type Kysely, sql } from 'kysely';

/**
 * What users have not read, as the push service counts it.
 *
 * - `unread_counts`: one row for each thread in which a user has something unread; `thread_nid` is the event of its root, 0 the main
 *   timeline. Events up to `since_position` are not in it. What is not there is 0.
 * - `push_cursors`: up to which positions the events and the receipts in the rooms of a partition are in these counts.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `CREATE TABLE unread_counts (
       user_nid bigint NOT NULL,
       room_nid bigint NOT NULL,
       thread_nid bigint NOT NULL,
       notify integer NOT NULL,
       highlight integer NOT NULL,
       since_position bigint NOT NULL,
       PRIMARY KEY (user_nid, room_nid, thread_nid)) WITH (fillfactor = 70)`,
    `CREATE TABLE push_cursors (
       partition integer PRIMARY KEY,
       events_position bigint NOT NULL,
       receipts_position bigint NOT NULL) WITH (fillfactor = 50)`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
