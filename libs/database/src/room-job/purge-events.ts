import { type EventId, type Pdu, relationOf } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { REL_TYPE_NIDS } from '../schema/relation.table.js';

type Trx = Transaction<DatabaseSchema>;

/** Chains of overrides are not longer. */
const MAX_CHAIN = 100;

/** A message that is to be purged. */
export interface DoomedEvent {
  readonly eventNid: number;
  readonly eventId: EventId;
  readonly json: string;
  /** Null without a place in the timeline. */
  readonly position: number | null;
}

/** Deletes messages with all that hangs on them. */
export async function purgeEvents(trx: Trx, roomNid: number, doomed: readonly DoomedEvent[]): Promise<void> {
  const nids = doomed.map(({ eventNid }) => eventNid);
  await purgeRelations(trx, roomNid, doomed);
  await keepRedactions(trx, nids);
  await sql`DELETE FROM event_search WHERE event_nid = ANY (${nids}::bigint[])`.execute(trx);
  await sql`DELETE FROM event_transactions WHERE event_nid = ANY (${nids}::bigint[])`.execute(trx);
  await sql`DELETE FROM pending_redactions WHERE redaction_event_nid = ANY (${nids}::bigint[])`.execute(trx);
  await sql`DELETE FROM event_positions WHERE event_nid = ANY (${nids}::bigint[])`.execute(trx);
  await sql`DELETE FROM events WHERE event_nid = ANY (${nids}::bigint[])`.execute(trx);
  await purgeStates(trx, nids);
}

/** Another server may send a redacted message again, as it was before: its redaction waits for it, as long as it is here itself. */
async function keepRedactions(trx: Trx, nids: readonly number[]): Promise<void> {
  await sql`
    WITH gone AS (DELETE FROM redactions WHERE redacted_event_nid = ANY (${nids}::bigint[]) RETURNING *)
    INSERT INTO pending_redactions (redaction_event_nid, room_nid, target_event_id, only_of_server, is_target_purged)
    SELECT g.redaction_event_nid, e.room_nid, e.event_id, NULL, true FROM gone g JOIN events e ON e.event_nid = g.redacted_event_nid
    WHERE g.redaction_event_nid <> ALL (${nids}::bigint[])
    ON CONFLICT (redaction_event_nid) DO NOTHING`.execute(trx);
}

/** States of events that are gone, and then those that only they built on. */
async function purgeStates(trx: Trx, nids: readonly number[]): Promise<void> {
  let gone = [...nids];
  for (let link = 0; gone.length > 0 && link < MAX_CHAIN; link += 1) {
    const { rows } = await sql<{ eventNid: number; parent: number | null }>`
      DELETE FROM event_state s WHERE s.event_nid = ANY (${gone}::bigint[])
        AND NOT EXISTS (SELECT FROM events e WHERE e.event_nid = s.event_nid)
        AND NOT EXISTS (SELECT FROM event_state child WHERE child.parent_event_nid = s.event_nid)
      RETURNING s.event_nid AS "eventNid", s.parent_event_nid AS parent`.execute(trx);
    gone = rows.flatMap(({ parent }) => parent ?? []);
  }
}

/** Relations are found by their parent; threads fall back to the latest reply that is left. */
async function purgeRelations(trx: Trx, roomNid: number, doomed: readonly DoomedEvent[]): Promise<void> {
  const ids = doomed.map(({ eventId }) => eventId);
  const { rows: threads } = await sql<{ rootId: EventId }>`
    DELETE FROM threads WHERE room_nid = ${roomNid} AND root_event_id = ANY (${ids}::text[])
    RETURNING root_event_id AS "rootId"`.execute(trx);
  const roots = new Set(threads.map(({ rootId }) => rootId));
  await purgeThreadCounts(
    trx,
    roomNid,
    doomed.flatMap(({ eventId, eventNid }) => (roots.has(eventId) ? [eventNid] : [])),
  );
  const related = doomed.flatMap(({ json, position }) => {
    const relation = relationOf((JSON.parse(json) as Pdu).content);
    return relation && position !== null ? [{ position, parentId: relation.parentId }] : [];
  });
  if (related.length === 0) return;
  const positions = related.map(({ position }) => position);
  await sql`
    DELETE FROM event_relations r USING unnest(${related.map(({ parentId }) => parentId)}::text[], ${positions}::bigint[])
      AS gone(parent, position)
    WHERE r.room_nid = ${roomNid} AND r.parent_event_id = gone.parent AND r.position = gone.position`.execute(
    trx,
  );
  await sql`
    UPDATE threads t SET latest_position = (
      SELECT r.position FROM event_relations r
      WHERE r.room_nid = t.room_nid AND r.parent_event_id = t.root_event_id AND r.rel_type_nid = ${REL_TYPE_NIDS['m.thread']}
        AND NOT EXISTS (SELECT FROM redactions x WHERE x.redacted_event_nid = r.event_nid)
      ORDER BY r.position DESC LIMIT 1)
    WHERE t.room_nid = ${roomNid} AND t.latest_position = ANY (${positions}::bigint[])`.execute(trx);
}

/** What is unread of threads: found by the members, for there is no index by room. */
async function purgeThreadCounts(trx: Trx, roomNid: number, rootNids: readonly number[]): Promise<void> {
  if (rootNids.length === 0) return;
  await sql`
    DELETE FROM unread_counts u USING memberships m
    WHERE m.room_nid = ${roomNid} AND u.user_nid = m.user_nid AND u.room_nid = m.room_nid
      AND u.thread_nid = ANY (${rootNids}::bigint[])`.execute(trx);
}
