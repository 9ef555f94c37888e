import { type Kysely, sql } from 'kysely';

/**
 * What federation needs of rooms.
 *
 * - `rooms.joining_until`: while this server joins a room by another, events of the room are staged for it already.
 * - `staged_pdus`: events of other servers whose signatures and hashes were checked, durable before their sender is answered,
 *   until the owner of their room has taken them. What misses events that nobody gives waits until `retry_at`.
 * - `stripped_states`: what an invite or knock to a room that this server is not in says about it.
 * - `backward_extremities`: predecessors of a room's events that this server does not have; scroll-back asks others for them.
 *   `depth` is that of an event that names it.
 * - `pending_redactions`: accepted redactions of events that this server does not have yet.
 * - `backfill_position`: positions of events from before the server came, counted down, so that no sync meets them.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'ALTER TABLE rooms ADD COLUMN joining_until bigint',
    `CREATE TABLE staged_pdus (
       staged_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       room_id text COLLATE "C" NOT NULL,
       partition integer NOT NULL,
       event_id text COLLATE "C" NOT NULL,
       origin text COLLATE "C" NOT NULL,
       json text NOT NULL,
       received_ts bigint NOT NULL,
       tries smallint NOT NULL DEFAULT 0,
       retry_at bigint NOT NULL DEFAULT 0,
       UNIQUE (room_id, event_id))`,
    'CREATE INDEX staged_pdus_by_origin ON staged_pdus (room_id, origin)',
    'CREATE INDEX staged_pdus_by_partition ON staged_pdus (partition, room_id, staged_id)',
    `CREATE TABLE stripped_states (
       event_nid bigint PRIMARY KEY,
       events text NOT NULL)`,
    `CREATE TABLE backward_extremities (
       room_nid bigint NOT NULL,
       event_id text COLLATE "C" NOT NULL,
       depth bigint NOT NULL,
       PRIMARY KEY (room_nid, event_id))`,
    `CREATE TABLE pending_redactions (
       redaction_event_nid bigint PRIMARY KEY,
       room_nid bigint NOT NULL,
       target_event_id text COLLATE "C" NOT NULL,
       only_of_server text COLLATE "C")`,
    'CREATE INDEX pending_redactions_by_target ON pending_redactions (target_event_id)',
    'CREATE SEQUENCE backfill_position INCREMENT BY -1 MAXVALUE -1 START WITH -1',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
