import { type Kysely, sql } from 'kysely';

/**
 * The places of history in its room's timeline.
 *
 * - `event_positions.before_position`: the position of the event that it is the history of. Null for the events of the stream, and for history
 *   that older releases brought, which comes before everything.
 * - `backward_extremities.followed_by_nid`: the event of the stream behind which something is missing; null where an older release found it.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'ALTER TABLE event_positions ADD COLUMN before_position bigint',
    'ALTER TABLE backward_extremities ADD COLUMN followed_by_nid bigint',
    `CREATE INDEX event_positions_of_history ON event_positions (room_nid, coalesce(before_position, 0), position)
       WHERE position < 0`,
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
