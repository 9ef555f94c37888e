import { type Kysely, sql } from 'kysely';

/**
 * Which threads users want to hear of: a stream that sliding sync reads by position, a row for each thread that a user ever subscribed to
 * or unsubscribed from.
 *
 * - `automatic`: whether a client subscribed for the user; null when the user is not subscribed.
 * - `unsubscribed_at`, `backfilled_to`: the highest and the lowest position of the room's events when the user unsubscribed; null while
 *   subscribed.
 * - `position`: 0 while the user was never subscribed, which nobody is told.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'CREATE SEQUENCE thread_subscriptions_position',
    `CREATE TABLE thread_subscriptions (
       room_nid bigint NOT NULL,
       root_event_id text COLLATE "C" NOT NULL,
       user_id text COLLATE "C" NOT NULL REFERENCES users,
       automatic boolean,
       unsubscribed_at bigint,
       backfilled_to bigint,
       position bigint NOT NULL,
       PRIMARY KEY (room_nid, root_event_id, user_id),
       CHECK ((automatic IS NULL) = (unsubscribed_at IS NOT NULL)),
       CHECK ((automatic IS NULL) = (backfilled_to IS NOT NULL))) WITH (fillfactor = 80)`,
    'CREATE INDEX thread_subscriptions_changes ON thread_subscriptions (user_id, position)',
    'CREATE INDEX thread_subscriptions_positions ON thread_subscriptions (position)',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
