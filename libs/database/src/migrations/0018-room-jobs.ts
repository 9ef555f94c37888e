import { type Kysely, sql } from 'kysely';

/**
 * Deletion of rooms and purges of their history, and rooms that are closed. Times are ms since 1970 by this database's clock.
 *
 * - `room_jobs`: one unfinished job a room; the owner of its partition does it. `phase` and `cursor` say how far it is, `room_nid`
 *   which rows are meant when the room itself is gone. `arguments`: JSON as text.
 * - `room_blocks`: rooms in which local users can do nothing but leave. `is_lasting`: stays when the deletion is done.
 * - `room_heads_room`: a commit to a room that was deleted puts its head there anew, and PostgreSQL refuses it. Checked at COMMIT, for
 *   new rooms come after their heads. Commits to rooms that have a head are not checked, and cost nothing.
 * - `event_state_by_parent`: whether something still builds on the state that is kept with an event that is purged.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `CREATE TABLE room_jobs (
       job_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       kind text COLLATE "C" NOT NULL,
       room_id text COLLATE "C" NOT NULL,
       room_nid bigint,
       partition integer NOT NULL,
       arguments text NOT NULL,
       status text COLLATE "C" NOT NULL DEFAULT 'scheduled',
       phase text COLLATE "C",
       cursor bigint,
       members_left bigint NOT NULL DEFAULT 0,
       events_purged bigint NOT NULL DEFAULT 0,
       rows_purged bigint NOT NULL DEFAULT 0,
       attempts integer NOT NULL DEFAULT 0,
       error text,
       created_ts bigint NOT NULL,
       next_try_ts bigint NOT NULL,
       updated_ts bigint NOT NULL,
       finished_ts bigint) WITH (fillfactor = 70)`,
    'CREATE UNIQUE INDEX room_jobs_unfinished ON room_jobs (room_id) WHERE finished_ts IS NULL',
    `CREATE TABLE room_blocks (
       room_id text COLLATE "C" PRIMARY KEY,
       is_lasting boolean NOT NULL,
       created_ts bigint NOT NULL)`,
    `ALTER TABLE room_heads ADD CONSTRAINT room_heads_room FOREIGN KEY (room_nid) REFERENCES rooms
       DEFERRABLE INITIALLY DEFERRED NOT VALID`,
    'CREATE INDEX event_state_by_parent ON event_state (parent_event_nid) WHERE parent_event_nid IS NOT NULL',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
