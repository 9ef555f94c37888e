import { sql } from 'kysely';
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

  /** @internal For the test that looks at its plan. */
  changedRoomsQuery(roomNids: readonly number[], from: number, to: number) {
    return sql<{ roomNid: number }>`
      SELECT r.nid AS "roomNid" FROM unnest(${roomNids}::bigint[]) AS r(nid)
      WHERE EXISTS (SELECT FROM event_positions p
        WHERE p.room_nid = r.nid AND p.position > ${from} AND p.position <= ${to})`;
  }

  /** @internal For the test that looks at its plan. */
  newestQuery(ranges: readonly RoomRange[], limit: number) {
    return sql<TimelineEntry>`
      SELECT r.room AS "roomNid", p.event_nid AS "eventNid", p.position
      FROM unnest(${ranges.map((range) => range.roomNid)}::bigint[], ${ranges.map((range) => range.from)}::bigint[],
        ${ranges.map((range) => range.to)}::bigint[]) AS r(room, above, up_to)
      CROSS JOIN LATERAL (SELECT event_nid, position FROM event_positions
        WHERE room_nid = r.room AND position > r.above AND position <= r.up_to
        ORDER BY position DESC LIMIT ${limit}) AS p
      ORDER BY r.room, p.position DESC`;
  }
}
