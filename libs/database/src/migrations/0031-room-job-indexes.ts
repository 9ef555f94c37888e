import { type Kysely, sql } from 'kysely';

/**
 * For purges and deletions of rooms.
 *
 * - `state_resets_by_room`: they go with their room.
 * - `events_refused`: soft-failed and rejected events of a room, which have no place in its timeline and are few.
 * - `pending_redactions.is_target_purged`: the event was here, and was purged; its redaction waits in case another server sends it again,
 *   and may be purged itself.
 */
export async function up(db: Kysely<unknown>): Promise<void> {
  const statements = [
    'CREATE INDEX state_resets_by_room ON state_resets (room_nid)',
    'CREATE INDEX events_refused ON events (room_nid, event_nid) WHERE status IN (1, 2)',
    'ALTER TABLE pending_redactions ADD COLUMN is_target_purged boolean NOT NULL DEFAULT false',
  ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}
