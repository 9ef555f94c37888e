import { type Kysely, sql } from 'kysely';

/**
 * Messages to devices.
 *
 * - `to_device` is the inbox of every local device: one row for each device and message, until the device has acknowledged it or is
 *   deleted. `content` is JSON as `text`, so that it comes back as it was sent. The index has the senders, whose messages are counted.
 * - `outgoing_to_device`: EDUs, each until its destination has acknowledged it. Their positions are of the same lane.
 * - `to_device_requests` remembers what was taken in, for a while: by a client's transaction, or by another server's message id. `left_out`
 *   is JSON of the devices and destinations that had no room for it, which a repeated request still reaches.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'CREATE SEQUENCE to_device_position',
    `CREATE TABLE to_device (
       message_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       user_id text COLLATE "C" NOT NULL,
       device_id text COLLATE "C" NOT NULL,
       position bigint NOT NULL,
       sender text COLLATE "C" NOT NULL,
       type text COLLATE "C" NOT NULL,
       content text NOT NULL,
       FOREIGN KEY (user_id, device_id) REFERENCES devices ON DELETE CASCADE)`,
    'CREATE INDEX to_device_inbox ON to_device (user_id, device_id, position) INCLUDE (sender)',
    'CREATE INDEX to_device_positions ON to_device (position)',
    `CREATE TABLE outgoing_to_device (
       edu_nid bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
       destination text COLLATE "C" NOT NULL,
       position bigint NOT NULL,
       sender text COLLATE "C" NOT NULL,
       content text NOT NULL)`,
    'CREATE INDEX outgoing_to_device_queue ON outgoing_to_device (destination, position) INCLUDE (sender)',
    'CREATE INDEX outgoing_to_device_positions ON outgoing_to_device (position)',
    `CREATE TABLE to_device_requests (
       request_key text COLLATE "C" PRIMARY KEY,
       created_ts bigint NOT NULL,
       left_out text)`,
    'CREATE INDEX to_device_requests_by_age ON to_device_requests (created_ts)',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
