import type { EventId } from '@atoll/matrix';
import { sql } from 'kysely';
import { opaqueArray } from '../any-of.js';
import type { Database } from '../open-database.js';

/** A stretch of a room's timeline: `from < position <= to`. */
export interface RoomRange {
  readonly roomNid: number;
  readonly from: number;
  readonly to: number;
}

export interface TimelineEntry {
  readonly roomNid: number;
  readonly eventNid: number;
  readonly position: number;
}

/** An event of a timeline and one that it follows. */
export interface PrevLink {
  readonly roomNid: number;
  readonly eventNid: number;
  readonly prevEventId: EventId;
}

/** Finds what happened in many rooms at once. */
export class SyncTimelineReader {
  constructor(private readonly database: Database) {}

  /** Those of the rooms in which something happened after `from` up to `to`: one index probe a room. */
  async changedRooms(roomNids: readonly number[], from: number, to: number): Promise<Set<number>> {
    const { rows } = await this.changedRoomsQuery(roomNids, from, to).execute(this.database.db);
    return new Set(rows.map((row) => row.roomNid));
  }

  /** The newest entries of each stretch, at most `limit` each, the newest first. */
  async newest(ranges: readonly RoomRange[], limit: number): Promise<Map<number, TimelineEntry[]>> {
    const { rows } = await this.newestQuery(ranges, limit).execute(this.database.db);
    return Map.groupBy(rows, (row) => row.roomNid);
  }

  /** The ids of the newest events of each room up to a position, at most `limit` of it. */
  async newestIds(
    rooms: readonly { readonly roomNid: number; readonly limit: number }[],
    upTo: number,
  ): Promise<EventId[]> {
    if (rooms.length === 0) return [];
    const { rows } = await sql<{ eventId: EventId }>`
      SELECT e.event_id AS "eventId"
      FROM unnest(${rooms.map(({ roomNid }) => roomNid)}::bigint[], ${rooms.map(({ limit }) => limit)}::int[]) AS r(room, wanted)
      CROSS JOIN LATERAL (SELECT event_nid FROM event_positions
        WHERE room_nid = r.room AND position > 0 AND position <= ${upTo}
        ORDER BY position DESC LIMIT r.wanted) AS p
      JOIN events e ON e.event_nid = p.event_nid`.execute(this.database.db);
    return rows.map(({ eventId }) => eventId);
  }

  /** The events of which a predecessor is not here, or has its place in the history before every timeline. */
  async behindGaps(links: readonly PrevLink[]): Promise<Set<number>> {
    const { rows } = await this.behindGapsQuery(links).execute(this.database.db);
    return new Set(rows.map((row) => row.eventNid));
  }

  /** @internal For the test that looks at its plan. */
  changedRoomsQuery(roomNids: readonly number[], from: number, to: number) {
    return sql<{ roomNid: number }>`
      SELECT r.nid AS "roomNid" FROM unnest(${opaqueArray(roomNids, 'bigint')}) AS r(nid)
      WHERE EXISTS (SELECT FROM event_positions p
        WHERE p.room_nid = r.nid AND p.position > ${from} AND p.position <= ${to})`;
  }

  /** @internal For the test that looks at its plan. */
  behindGapsQuery(links: readonly PrevLink[]) {
    return sql<{ eventNid: number }>`
      SELECT DISTINCT l.nid AS "eventNid"
      FROM unnest(${links.map((link) => link.roomNid)}::bigint[], ${links.map((link) => link.eventNid)}::bigint[],
        ${links.map((link) => link.prevEventId)}::text[]) AS l(room, nid, prev)
      LEFT JOIN LATERAL (SELECT true AS yes FROM backward_extremities
        WHERE room_nid = l.room AND event_id = l.prev LIMIT 1) AS missing ON true
      LEFT JOIN LATERAL (SELECT p.position FROM events e JOIN event_positions p ON p.event_nid = e.event_nid
        WHERE e.event_id = l.prev LIMIT 1) AS placed ON true
      WHERE missing.yes OR placed.position < 0`;
  }

  /** @internal For the test that looks at its plan. */
  newestQuery(ranges: readonly RoomRange[], limit: number) {
    const numbers = (of: (range: RoomRange) => number) => opaqueArray(ranges.map(of), 'bigint');
    return sql<TimelineEntry>`
      SELECT r.room AS "roomNid", p.event_nid AS "eventNid", p.position
      FROM unnest(${numbers(({ roomNid }) => roomNid)}, ${numbers(({ from }) => from)}, ${numbers(({ to }) => to)})
        AS r(room, above, up_to)
      CROSS JOIN LATERAL (SELECT event_nid, position FROM event_positions
        WHERE room_nid = r.room AND position > r.above AND position <= r.up_to
        ORDER BY position DESC LIMIT ${limit}) AS p
      ORDER BY r.room, p.position DESC`;
  }
}
