import { type Kysely, sql } from 'kysely';

/** Tokens by which third parties learn who a user is; only their SHA-256 hashes lie here. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `CREATE TABLE openid_tokens (
       token_hash bytea PRIMARY KEY,
       user_id text COLLATE "C" NOT NULL REFERENCES users,
       expires_ts bigint NOT NULL)`,
    'CREATE INDEX openid_tokens_by_user ON openid_tokens (user_id, expires_ts)',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
