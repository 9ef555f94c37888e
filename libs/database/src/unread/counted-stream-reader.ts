import type { UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import type { PlacedEvent } from './unread-standing-reader.js';

/** How far the events and receipts in the rooms of a partition are counted. */
export interface PushCursor {
  readonly events: number;
  readonly receipts: number;
}

/** An event of the stream, and whose it is to count it. */
export interface PartitionedEvent extends PlacedEvent {
  /** -1 of a room that is gone. */
  readonly partition: number;
}

/** A user who has read further in a room. */
export interface PartitionedReceipt {
  readonly position: number;
  readonly partition: number;
  readonly roomNid: number;
  readonly userId: UserId;
}

const NOTHING: PushCursor = { events: 0, receipts: 0 };

/** Reads the streams that the push service follows. */
export class CountedStreamReader {
  constructor(private readonly database: Database) {}

  /** How far each of the partitions is counted: from the beginning on for those that were never owned. */
  async cursors(partitions: readonly number[]): Promise<Map<number, PushCursor>> {
    const rows = await this.database.db
      .selectFrom('push_cursors')
      .select(['partition', 'events_position as events', 'receipts_position as receipts'])
      .where('partition', '=', anyOf(partitions))
      .execute();
    const known = new Map(rows.map(({ partition, ...cursor }) => [partition, cursor]));
    return new Map(partitions.map((partition) => [partition, known.get(partition) ?? NOTHING]));
  }

  /** The next events of the stream after a position, in order. */
  async events(after: number, limit: number): Promise<PartitionedEvent[]> {
    const { rows } = await sql<PartitionedEvent>`
      SELECT p.position, p.event_nid AS "eventNid", p.room_nid AS "roomNid",
        coalesce(r.partition, -1) AS partition
      FROM (SELECT * FROM event_positions WHERE position > ${after} ORDER BY position LIMIT ${limit}) AS p
      LEFT JOIN rooms r ON r.room_nid = p.room_nid
      ORDER BY p.position`.execute(this.database.db);
    return rows;
  }

  /** The next receipts after a position, in order: those of at least `limit` rows, and of whole commits. */
  async receipts(after: number, limit: number): Promise<PartitionedReceipt[]> {
    const { rows } = await sql<PartitionedReceipt>`
      SELECT s.position, s.room_nid AS "roomNid", s.user_id AS "userId",
        coalesce(r.partition, -1) AS partition
      FROM (SELECT * FROM receipts WHERE position > ${after}
        ORDER BY position FETCH FIRST ${sql.lit(limit)} ROWS WITH TIES) AS s
      LEFT JOIN rooms r ON r.room_nid = s.room_nid
      ORDER BY s.position`.execute(this.database.db);
    return rows;
  }

  /** Those of the users and rooms in which something is unread, by the numbers of users and rooms. */
  async withCounts(
    pairs: readonly { readonly userId: UserId; readonly roomNid: number }[],
  ): Promise<{ readonly userId: UserId; readonly roomNid: number }[]> {
    if (pairs.length === 0) return [];
    const { rows } = await sql<{ userId: UserId; roomNid: number }>`
      SELECT DISTINCT q.user_id AS "userId", q.room AS "roomNid"
      FROM unnest(${pairs.map(({ userId }) => userId)}::text[], ${pairs.map(({ roomNid }) => roomNid)}::bigint[])
        AS q(user_id, room)
      JOIN state_keys k ON k.state_key = q.user_id
      WHERE EXISTS (SELECT FROM unread_counts u WHERE u.user_nid = k.state_key_nid AND u.room_nid = q.room)`.execute(
      this.database.db,
    );
    return rows;
  }
}
