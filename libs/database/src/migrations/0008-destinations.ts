import { type Kysely, sql } from 'kysely';

/**
 * What is owed to other servers.
 *
 * - `sender_cursors`: how far the events stream was read for the destinations of each partition.
 * - `destinations`: up to which position a server has acknowledged everything meant for it, and its back-off.
 * - `destination_rooms`: the newest event of each room that is meant for a server.
 * - `forwarded_events`: events of other servers' users that this server brings to the other servers of the room: joins, leaves and
 *   knocks that were made through it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `CREATE TABLE sender_cursors (
       partition integer PRIMARY KEY,
       position bigint NOT NULL)`,
    `CREATE TABLE destinations (
       destination text COLLATE "C" PRIMARY KEY,
       partition integer NOT NULL,
       sent_position bigint NOT NULL,
       failing_since bigint,
       retry_at bigint,
       retry_interval_ms bigint) WITH (fillfactor = 80)`,
    'CREATE INDEX destinations_by_partition ON destinations (partition)',
    'CREATE INDEX destinations_failing ON destinations (retry_at) WHERE failing_since IS NOT NULL',
    `CREATE TABLE destination_rooms (
       destination text COLLATE "C" NOT NULL,
       room_nid bigint NOT NULL,
       position bigint NOT NULL,
       PRIMARY KEY (destination, room_nid)) WITH (fillfactor = 80)`,
    'CREATE INDEX destination_rooms_by_position ON destination_rooms (destination, position)',
    'CREATE TABLE forwarded_events (event_nid bigint PRIMARY KEY)',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
