import { type Kysely, sql } from 'kysely';

/**
 * Devices that nobody is logged in with: others send them keys, which the next login of their user takes up. Each is a device like any
 * other, with keys and an inbox; a user has at most one. `device_data`: JSON as text, encrypted by a client.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  await sql`
    CREATE TABLE dehydrated_devices (
      user_id text COLLATE "C" PRIMARY KEY,
      device_id text COLLATE "C" NOT NULL,
      device_data text NOT NULL,
      FOREIGN KEY (user_id, device_id) REFERENCES devices ON DELETE CASCADE)`.execute(db);
}
