import { type Kysely, sql } from 'kysely';

/**
 * Receipts, typing and presence: streams that syncs read by position, like events.
 *
 * - `receipts`: the newest receipt of each user, type and thread in a room; `thread_id` is '' for unthreaded ones. `event_position` is
 *   null while this server does not have the event.
 * - `typing`: who types in a room, and until when. A crash of PostgreSQL may empty it: nobody types for longer than that takes.
 * - `presence`: of users of this server and of others.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'CREATE SEQUENCE receipts_position',
    `CREATE TABLE receipts (
       room_nid bigint NOT NULL,
       user_id text COLLATE "C" NOT NULL,
       receipt_type text COLLATE "C" NOT NULL,
       thread_id text COLLATE "C" NOT NULL,
       event_id text COLLATE "C" NOT NULL,
       event_position bigint,
       ts bigint NOT NULL,
       position bigint NOT NULL,
       PRIMARY KEY (room_nid, user_id, receipt_type, thread_id)) WITH (fillfactor = 80)`,
    'CREATE INDEX receipts_positions ON receipts (position)',
    'CREATE INDEX receipts_by_room ON receipts (room_nid, position)',
    'CREATE SEQUENCE typing_position',
    `CREATE UNLOGGED TABLE typing (
       room_nid bigint PRIMARY KEY,
       users text NOT NULL,
       expires_at bigint,
       position bigint NOT NULL) WITH (fillfactor = 50)`,
    'CREATE INDEX typing_positions ON typing (position)',
    'CREATE INDEX typing_expiring ON typing (expires_at) WHERE expires_at IS NOT NULL',
    'CREATE SEQUENCE presence_position',
    `CREATE TABLE presence (
       user_id text COLLATE "C" PRIMARY KEY,
       is_local boolean NOT NULL,
       presence text NOT NULL,
       status_msg text,
       last_active_ts bigint NOT NULL,
       currently_active boolean NOT NULL,
       updated_ts bigint NOT NULL,
       position bigint NOT NULL) WITH (fillfactor = 80)`,
    'CREATE INDEX presence_positions ON presence (position)',
    `CREATE INDEX presence_not_offline ON presence (is_local, user_id) WHERE presence <> 'offline'`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
