import pg from 'pg';
import type { EventCommit } from '../room/room-commit.js';
import type { Statement } from '../room/statement.js';
import { REL_TYPE_NIDS } from '../schema/relation.table.js';

type RelatedEvent = Pick<EventCommit, 'eventNid' | 'roomNid' | 'senderNid' | 'typeNid'> &
  Required<Pick<EventCommit, 'relation'>>;

const THREAD = REL_TYPE_NIDS['m.thread'];
const COLUMNS = '(room_nid, position, event_nid, sender_nid, type_nid, rel_type_nid, parent_event_id)';
/** A redaction may come with what it redacts, or before it. */
const IS_WHOLE = 'NOT EXISTS (SELECT FROM redactions WHERE redacted_event_nid = nid)';
const ADVANCE_THREADS = `ON CONFLICT (room_nid, root_event_id)
  DO UPDATE SET latest_position = greatest(threads.latest_position, excluded.latest_position)`;

export function isRelated<Row extends Partial<RelatedEvent>>(
  event: Row,
): event is Row & Pick<RelatedEvent, 'relation'> {
  return event.relation !== undefined;
}

/** The relations of events that get their positions in the lane: text without parameters, of which ids of parents are escaped. */
export function laneRelations(timeline: readonly EventCommit[], position: string): string[] {
  const rows = timeline.flatMap((event, index) => (isRelated(event) ? [{ ...event, index }] : []));
  if (rows.length === 0) return [];
  const values = rows
    .map(
      ({ index, eventNid, roomNid, senderNid, typeNid, relation: { relTypeNid, parentId } }) =>
        `(${index},${eventNid},${roomNid},${senderNid},${typeNid},${relTypeNid},${pg.escapeLiteral(parentId)})`,
    )
    .join(',');
  const from = `FROM (VALUES ${values}) AS v(i, nid, room, sender, type, rel, parent)`;
  const relations = `INSERT INTO event_relations ${COLUMNS} SELECT room, ${position} i, nid, sender, type, rel, parent ${from}`;
  if (!rows.some(({ relation }) => relation.relTypeNid === THREAD)) return [relations];
  return [
    relations,
    `INSERT INTO threads (room_nid, root_event_id, latest_position)
      SELECT room, parent, max(${position} i) ${from} WHERE rel = ${THREAD} AND ${IS_WHOLE} GROUP BY room, parent ${ADVANCE_THREADS}`,
  ];
}

/** The relations of events that have their positions. */
export function placedRelations(events: readonly RelatedEvent[]): Statement[] {
  if (events.length === 0) return [];
  const values = [
    events.map(({ eventNid }) => eventNid),
    events.map(({ senderNid }) => senderNid),
    events.map(({ typeNid }) => typeNid),
    events.map(({ relation }) => relation.relTypeNid),
    events.map(({ relation }) => relation.parentId),
  ];
  const from = `FROM unnest($1::bigint[], $2::bigint[], $3::int[], $4::int[], $5::text[]) AS v(nid, sender, type, rel, parent)
    JOIN event_positions p ON p.event_nid = nid`;
  return [
    {
      name: 'insert-placed-relations',
      text: `INSERT INTO event_relations ${COLUMNS} SELECT p.room_nid, p.position, nid, sender, type, rel, parent ${from}`,
      values,
    },
    {
      name: 'advance-threads',
      text: `INSERT INTO threads (room_nid, root_event_id, latest_position)
        SELECT p.room_nid, parent, max(p.position) FROM unnest($1::bigint[], $2::text[]) AS v(nid, parent)
        JOIN event_positions p ON p.event_nid = nid WHERE ${IS_WHOLE} GROUP BY p.room_nid, parent ${ADVANCE_THREADS}`,
      values: [
        events.flatMap(({ eventNid, relation }) => (relation.relTypeNid === THREAD ? [eventNid] : [])),
        events.flatMap(({ relation }) => (relation.relTypeNid === THREAD ? [relation.parentId] : [])),
      ],
    },
  ];
}

/** Threads whose latest reply is redacted fall back to the one before it. */
export function redactedReplies(redactedNids: readonly number[]): Statement[] {
  if (redactedNids.length === 0) return [];
  return [
    {
      name: 'fall-back-threads',
      text: `UPDATE threads t SET latest_position = (SELECT r.position FROM event_relations r
          WHERE r.room_nid = t.room_nid AND r.parent_event_id = t.root_event_id AND r.rel_type_nid = ${THREAD}
            AND NOT EXISTS (SELECT FROM redactions x WHERE x.redacted_event_nid = r.event_nid)
          ORDER BY r.position DESC LIMIT 1)
        FROM event_positions p
        WHERE p.event_nid = any($1::bigint[]) AND t.room_nid = p.room_nid AND t.latest_position = p.position`,
      values: [redactedNids],
    },
  ];
}
