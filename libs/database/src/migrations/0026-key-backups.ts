import { type Kysely, sql } from 'kysely';

/**
 * Backups of room keys, encrypted by the clients of their user.
 *
 * - `key_backup_counters`: the newest version that a user ever made, so that a deleted one is known as such without a row of its own.
 *   Whoever writes to backups of the user locks the row first.
 * - `key_count`, `key_bytes` follow from `backed_up_keys`; `etag` counts the changes of them.
 * - `auth_data`, `session_data`: JSON as text, which may hold what `jsonb` refuses.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `CREATE TABLE key_backup_counters (
       user_id text COLLATE "C" PRIMARY KEY REFERENCES users,
       last_version bigint NOT NULL) WITH (fillfactor = 80)`,
    `CREATE TABLE key_backups (
       user_id text COLLATE "C" NOT NULL REFERENCES users,
       version bigint NOT NULL,
       algorithm text NOT NULL,
       auth_data text NOT NULL,
       key_count int NOT NULL DEFAULT 0,
       key_bytes bigint NOT NULL DEFAULT 0,
       etag bigint NOT NULL DEFAULT 0,
       PRIMARY KEY (user_id, version)) WITH (fillfactor = 80)`,
    `CREATE TABLE backed_up_keys (
       user_id text COLLATE "C" NOT NULL,
       version bigint NOT NULL,
       room_id text COLLATE "C" NOT NULL,
       session_id text COLLATE "C" NOT NULL,
       first_message_index bigint NOT NULL,
       forwarded_count bigint NOT NULL,
       is_verified boolean NOT NULL,
       session_data text NOT NULL,
       PRIMARY KEY (user_id, version, room_id, session_id),
       FOREIGN KEY (user_id, version) REFERENCES key_backups ON DELETE CASCADE)`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
