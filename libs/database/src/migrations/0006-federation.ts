import { type Kysely, sql } from 'kysely';

/**
 * What federation needs of rooms.
 *
 * - `staged_pdus`: events of other servers whose signatures and hashes were checked, durable before their sender is answered,
 *   until the owner of their room has taken them.
 * - `stripped_states`: what an invite or knock to a room that this server is not in says about it.
 * - `backward_extremities`: predecessors of a room's events that this server does not have; scroll-back asks others for them.
 * - `backfill_position`: positions of events from before the server came, counted down, so that no sync meets them.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `CREATE TABLE staged_pdus (
       staged_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       room_id text COLLATE "C" NOT NULL,
       partition integer NOT NULL,
       event_id text COLLATE "C" NOT NULL,
       origin text COLLATE "C" NOT NULL,
       json text NOT NULL,
       received_ts bigint NOT NULL,
       UNIQUE (room_id, event_id))`,
    'CREATE INDEX staged_pdus_by_partition ON staged_pdus (partition, room_id, staged_id)',
    `CREATE TABLE stripped_states (
       event_nid bigint PRIMARY KEY,
       events text NOT NULL)`,
    `CREATE TABLE backward_extremities (
       room_nid bigint NOT NULL,
       event_id text COLLATE "C" NOT NULL,
       PRIMARY KEY (room_nid, event_id))`,
    'CREATE SEQUENCE backfill_position INCREMENT BY -1 MAXVALUE -1 START WITH -1',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
