import { type Kysely, sql } from 'kysely';

/**
 * Accounts, devices, tokens, profiles, filters and account data.
 *
 * - Tokens lie here only as SHA-256 hashes. `access_tokens.replaces` names the row that a refresh superseded; both rows
 *   live until one token of the new row is used.
 * - JSON that users wrote is `text`, so that it comes back as it was sent.
 * - `account_data.position` is taken in the lane of the `account_data` stream; `room_id` is '' for global data.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'CREATE SEQUENCE account_data_position',
    `CREATE TABLE users (
       user_id text COLLATE "C" PRIMARY KEY,
       password_hash text,
       is_admin boolean NOT NULL DEFAULT false,
       is_deactivated boolean NOT NULL DEFAULT false,
       created_ts bigint NOT NULL)`,
    `CREATE TABLE devices (
       user_id text COLLATE "C" NOT NULL REFERENCES users,
       device_id text COLLATE "C" NOT NULL,
       display_name text,
       last_seen_ip text,
       last_seen_ts bigint NOT NULL,
       PRIMARY KEY (user_id, device_id)) WITH (fillfactor = 80)`,
    `CREATE TABLE access_tokens (
       token_hash bytea PRIMARY KEY,
       user_id text COLLATE "C" NOT NULL,
       device_id text COLLATE "C" NOT NULL,
       expires_ts bigint,
       refresh_hash bytea UNIQUE,
       replaces bytea REFERENCES access_tokens ON DELETE SET NULL,
       FOREIGN KEY (user_id, device_id) REFERENCES devices ON DELETE CASCADE)`,
    'CREATE INDEX access_tokens_by_device ON access_tokens (user_id, device_id)',
    'CREATE INDEX access_tokens_by_replaced ON access_tokens (replaces) WHERE replaces IS NOT NULL',
    `CREATE TABLE uia_sessions (
       session_id text COLLATE "C" PRIMARY KEY,
       operation text NOT NULL,
       completed text NOT NULL,
       expires_ts bigint NOT NULL)`,
    'CREATE INDEX uia_sessions_by_expiry ON uia_sessions (expires_ts)',
    `CREATE TABLE registration_tokens (
       token text COLLATE "C" PRIMARY KEY,
       uses_allowed integer,
       uses integer NOT NULL DEFAULT 0,
       expires_ts bigint)`,
    `CREATE TABLE registration_nonces (
       nonce text COLLATE "C" PRIMARY KEY,
       expires_ts bigint NOT NULL)`,
    'CREATE INDEX registration_nonces_by_expiry ON registration_nonces (expires_ts)',
    `CREATE TABLE profile_fields (
       user_id text COLLATE "C" NOT NULL REFERENCES users,
       name text COLLATE "C" NOT NULL,
       value text NOT NULL,
       PRIMARY KEY (user_id, name))`,
    `CREATE TABLE membership_jobs (
       user_id text COLLATE "C" NOT NULL,
       kind text NOT NULL,
       revision bigint NOT NULL DEFAULT 1,
       claimed_until timestamptz NOT NULL,
       PRIMARY KEY (user_id, kind))`,
    `CREATE TABLE filters (
       user_id text COLLATE "C" NOT NULL REFERENCES users,
       filter_id text COLLATE "C" NOT NULL,
       definition text NOT NULL,
       PRIMARY KEY (user_id, filter_id))`,
    `CREATE TABLE account_data (
       user_id text COLLATE "C" NOT NULL REFERENCES users,
       room_id text COLLATE "C" NOT NULL,
       type text COLLATE "C" NOT NULL,
       content text NOT NULL,
       position bigint NOT NULL,
       PRIMARY KEY (user_id, room_id, type)) WITH (fillfactor = 80)`,
    'CREATE INDEX account_data_changes ON account_data (user_id, position)',
    'CREATE INDEX account_data_positions ON account_data (position)',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
