import { type Kysely, sql } from 'kysely';

/**
 * Media: whose they are and what they are called; the bytes lie elsewhere, found by their SHA-256, so that equal files of
 * many uploads take their place once.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`CREATE TABLE media (
    server_name text COLLATE "C" NOT NULL,
    media_id text COLLATE "C" NOT NULL,
    sha256 bytea NOT NULL,
    size bigint NOT NULL,
    content_type text NOT NULL,
    file_name text,
    uploader text COLLATE "C",
    created_ts bigint NOT NULL,
    PRIMARY KEY (server_name, media_id))`.execute(db);
}
