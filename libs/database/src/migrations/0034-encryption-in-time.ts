import { type Kysely, sql } from 'kysely';

/** ms since 1970. Stable, so that rows that are there get the time of the migration without being written. */
const NOW = '(extract(epoch FROM now()) * 1000)::bigint';

/**
 * When things of end-to-end encryption happened. All of it has a default that is right for what an older release writes.
 *
 * - `device_changes.changed_ts`: a server that comes into a room is told of the changes of a while before.
 * - `devices.inbox_emptied_ts`: when a message to the device was last acknowledged, to the hour, or since when there is the device: inboxes
 *   that nobody empties hold up nobody.
 * - `to_device_requests.user_id` and `device_id`: whose transaction it is, so that it goes with its device; null for those of other servers.
 * - `remote_device_lists.heard_stream_id`: the newest update that was told, taken in or not.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  // Locked in the order in which writers lock them; the indexes, which take longer, last.
  const statements = [
    'ALTER TABLE remote_device_lists ADD COLUMN heard_stream_id bigint',
    `ALTER TABLE to_device_requests ADD COLUMN user_id text COLLATE "C", ADD COLUMN device_id text COLLATE "C"`,
    `ALTER TABLE devices ADD COLUMN inbox_emptied_ts bigint NOT NULL DEFAULT ${NOW}`,
    `ALTER TABLE device_changes ADD COLUMN changed_ts bigint NOT NULL DEFAULT ${NOW}`,
    'CREATE INDEX device_changes_by_time ON device_changes (changed_ts)',
    `CREATE INDEX to_device_requests_by_device ON to_device_requests (user_id, device_id) WHERE user_id IS NOT NULL`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
