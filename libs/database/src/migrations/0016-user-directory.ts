import { type Kysely, sql } from 'kysely';

/**
 * Users to be found by name, kept by an indexer that follows the events stream.
 *
 * - `directory_rooms`: rooms whose members everybody may find are open. `next_user_nid`: its members are being gone through, from
 *   there on. `is_seeded`: those that came with a join by another server have been, or are being, gone through.
 * - `user_directory.document`: the user id, and the words of its localpart and of the display name.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `INSERT INTO index_cursors (name) VALUES ('user_directory')`,
    `CREATE TABLE directory_rooms (
       room_nid bigint PRIMARY KEY,
       is_open boolean NOT NULL,
       is_seeded boolean NOT NULL DEFAULT false,
       next_user_nid bigint)`,
    'CREATE INDEX directory_rooms_to_go_through ON directory_rooms (room_nid) WHERE next_user_nid IS NOT NULL',
    `CREATE TABLE user_directory (
       user_nid bigint PRIMARY KEY,
       user_id text COLLATE "C" NOT NULL,
       display_name text,
       folded_name text COLLATE "C",
       avatar_url text,
       document tsvector NOT NULL)`,
    'CREATE INDEX user_directory_documents ON user_directory USING gin (document)',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
