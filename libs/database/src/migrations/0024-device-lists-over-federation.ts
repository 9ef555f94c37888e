import { type Kysely, sql } from 'kysely';

/**
 * What is told other servers of the devices of this server's users, and what they tell of theirs.
 *
 * - `device_changes`: a log of changes of each local user's devices. Its `stream_id`s are the user's own, without gaps. A row whose device is
 *   '' is about the cross-signing keys, which are in no chain; `prev_id` names the change of a device before. A null `fingerprint` says that
 *   there is no such device any more. The newest row of each device that is there is kept, the newest of any device, on which the chain goes
 *   on, and of the others the user's newest.
 * - `device_list_cursors`: how far the log, and the events stream with it, were read for the destinations of each partition.
 * - `destinations`: the newest change that is meant for a server, and up to which it has acknowledged everything.
 * - `device_list_introductions`: users whom a server must be told of because they came into a room of it.
 * - `remote_device_lists`: lists of users of other servers. `version` counts what was heard of it; one that is stale is answered from no
 *   more; `fetched_position` is the position of the events stream at which it was complete.
 * - `memberships.is_remote`: the user is of another server. Rows of an older release that runs beside this one may say false of such a one,
 *   so whoever looks for local members still looks at their ids; `memberships_local` spares the many others.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    `CREATE TABLE device_changes (
       user_id text COLLATE "C" NOT NULL,
       stream_id bigint NOT NULL,
       device_id text COLLATE "C" NOT NULL,
       prev_id bigint,
       fingerprint text,
       position bigint NOT NULL,
       PRIMARY KEY (user_id, stream_id))`,
    'CREATE INDEX device_changes_positions ON device_changes (position)',
    'CREATE INDEX device_changes_by_device ON device_changes (user_id, device_id, stream_id)',
    `CREATE TABLE device_list_cursors (
       partition integer PRIMARY KEY,
       position bigint NOT NULL,
       events_position bigint NOT NULL) WITH (fillfactor = 80)`,
    'INSERT INTO device_list_cursors SELECT partition, 0, position FROM sender_cursors',
    `ALTER TABLE destinations
       ADD COLUMN device_lists_newest bigint NOT NULL DEFAULT 0,
       ADD COLUMN device_lists_sent bigint NOT NULL DEFAULT 0`,
    `CREATE TABLE device_list_introductions (
       destination text COLLATE "C" NOT NULL,
       user_id text COLLATE "C" NOT NULL,
       position bigint NOT NULL,
       PRIMARY KEY (destination, user_id))`,
    `CREATE TABLE remote_device_lists (
       user_id text COLLATE "C" PRIMARY KEY,
       version bigint NOT NULL DEFAULT 0,
       stream_id bigint,
       is_stale boolean NOT NULL DEFAULT true,
       fetched_position bigint,
       master_key text,
       self_signing_key text,
       resync_at bigint,
       tries integer NOT NULL DEFAULT 0) WITH (fillfactor = 80)`,
    'CREATE INDEX remote_device_lists_to_resync ON remote_device_lists (resync_at) WHERE resync_at IS NOT NULL',
    `CREATE TABLE remote_devices (
       user_id text COLLATE "C" NOT NULL REFERENCES remote_device_lists ON DELETE CASCADE,
       device_id text COLLATE "C" NOT NULL,
       display_name text,
       keys text,
       PRIMARY KEY (user_id, device_id))`,
    'ALTER TABLE memberships ADD COLUMN is_remote boolean NOT NULL DEFAULT false',
    `UPDATE memberships m SET is_remote = true FROM state_keys k, installation i
       WHERE k.state_key_nid = m.user_nid AND substr(k.state_key, strpos(k.state_key, ':') + 1) <> i.server_name`,
    `CREATE INDEX memberships_local ON memberships (room_nid, position) WHERE membership = 'join' AND NOT is_remote`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
