import { type Kysely, sql } from 'kysely';

/**
 * What clients of sliding sync know, so that any instance can go on.
 *
 * - `sliding_connections`: one per `conn_id` of a device; goes with the device. `serial` numbers what is remembered of it.
 * - `sliding_memories`: what the client knows once it has the answer that wrote it: JSON, never changed. There are the one that the
 *   last request came with, and those of the answers to it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `CREATE TABLE sliding_connections (
       connection_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       user_id text COLLATE "C" NOT NULL,
       device_id text COLLATE "C",
       conn_id text COLLATE "C" NOT NULL,
       serial bigint NOT NULL,
       used_ts bigint NOT NULL,
       FOREIGN KEY (user_id, device_id) REFERENCES devices ON DELETE CASCADE) WITH (fillfactor = 80)`,
    'CREATE INDEX sliding_connections_by_device ON sliding_connections (user_id, device_id)',
    'CREATE INDEX sliding_connections_by_use ON sliding_connections (used_ts)',
    `CREATE TABLE sliding_memories (
       connection_nid bigint NOT NULL REFERENCES sliding_connections ON DELETE CASCADE,
       serial bigint NOT NULL,
       memory text NOT NULL,
       PRIMARY KEY (connection_nid, serial))`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
