import { type Kysely, sql } from 'kysely';

/**
 * Keys of local devices and users for end-to-end encryption, and whose device lists changed.
 *
 * - Keys are canonical JSON as `text`, which may hold what `jsonb` refuses; what `device_keys` and `cross_signing_keys` hold keeps only the
 *   signatures of their own user. Those that were uploaded later, and those of others, are in `key_signatures`.
 * - `one_time_keys` are given out in the order of `upload_order`. What was given out is remembered in `claimed_one_time_keys`, the newest of
 *   each device, so that a repeated upload is not given out a second time. Its rows are deleted with the device, but not by a foreign key:
 *   that would have claims lock devices after keys, and deletions lock them in the other order.
 * - `device_lists`: the newest change of each user's list, of this server and of others. A row with `seen_by` '' is for everybody who shares
 *   a room with the user; one that names a user is for that user alone (who signed the other's key). No row is ever deleted.
 * - `key_counts`: when somebody last claimed a key of a device.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `CREATE TABLE device_keys (
       user_id text COLLATE "C" NOT NULL,
       device_id text COLLATE "C" NOT NULL,
       keys text NOT NULL,
       PRIMARY KEY (user_id, device_id),
       FOREIGN KEY (user_id, device_id) REFERENCES devices ON DELETE CASCADE)`,
    `CREATE TABLE one_time_keys (
       user_id text COLLATE "C" NOT NULL,
       device_id text COLLATE "C" NOT NULL,
       algorithm text COLLATE "C" NOT NULL,
       key_id text COLLATE "C" NOT NULL,
       key text NOT NULL,
       upload_order bigint GENERATED ALWAYS AS IDENTITY,
       PRIMARY KEY (user_id, device_id, algorithm, key_id),
       FOREIGN KEY (user_id, device_id) REFERENCES devices ON DELETE CASCADE)`,
    'CREATE INDEX one_time_keys_in_order ON one_time_keys (user_id, device_id, algorithm, upload_order)',
    `CREATE TABLE claimed_one_time_keys (
       user_id text COLLATE "C" NOT NULL,
       device_id text COLLATE "C" NOT NULL,
       hash bytea NOT NULL,
       claim_order bigint GENERATED ALWAYS AS IDENTITY,
       PRIMARY KEY (user_id, device_id, hash))`,
    'CREATE INDEX claimed_one_time_keys_in_order ON claimed_one_time_keys (user_id, device_id, claim_order)',
    `CREATE TABLE fallback_keys (
       user_id text COLLATE "C" NOT NULL,
       device_id text COLLATE "C" NOT NULL,
       algorithm text COLLATE "C" NOT NULL,
       key_id text COLLATE "C" NOT NULL,
       key text NOT NULL,
       used boolean NOT NULL DEFAULT false,
       PRIMARY KEY (user_id, device_id, algorithm),
       FOREIGN KEY (user_id, device_id) REFERENCES devices ON DELETE CASCADE) WITH (fillfactor = 80)`,
    `CREATE TABLE cross_signing_keys (
       user_id text COLLATE "C" NOT NULL REFERENCES users,
       usage text COLLATE "C" NOT NULL,
       public_key text COLLATE "C" NOT NULL,
       key text NOT NULL,
       PRIMARY KEY (user_id, usage))`,
    `CREATE TABLE key_signatures (
       target_user_id text COLLATE "C" NOT NULL,
       target_key_id text COLLATE "C" NOT NULL,
       signer_user_id text COLLATE "C" NOT NULL,
       signer_key_id text COLLATE "C" NOT NULL,
       signature text NOT NULL,
       PRIMARY KEY (target_user_id, target_key_id, signer_user_id, signer_key_id))`,
    'CREATE INDEX key_signatures_by_signer ON key_signatures (signer_user_id)',
    'CREATE SEQUENCE device_lists_position',
    `CREATE TABLE device_lists (
       user_id text COLLATE "C" NOT NULL,
       seen_by text COLLATE "C" NOT NULL,
       position bigint NOT NULL,
       PRIMARY KEY (user_id, seen_by)) WITH (fillfactor = 80)`,
    'CREATE INDEX device_lists_positions ON device_lists (position)',
    'CREATE SEQUENCE key_counts_position',
    `CREATE TABLE key_counts (
       user_id text COLLATE "C" NOT NULL,
       device_id text COLLATE "C" NOT NULL,
       position bigint NOT NULL,
       PRIMARY KEY (user_id, device_id)) WITH (fillfactor = 80)`,
    'CREATE INDEX key_counts_positions ON key_counts (position)',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
