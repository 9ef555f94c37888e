import type { DeviceId, UserId } from '@atoll/matrix';
import { type RawBuilder, sql } from 'kysely';
import { opaqueNumber } from '../any-of.js';
import type { Database } from '../open-database.js';
import type { StreamName } from '../stream-registry.js';

/** A new row of a stream, and whom it concerns: those joined to its room, one user, or both. */
export interface StreamChange {
  readonly position: number;
  readonly roomNid: number | null;
  readonly userId: UserId | null;
  /** The one device of the user that it concerns; absent where it concerns all of them. */
  readonly deviceId?: DeviceId;
}

type ChangesQuery = (after: number, limit: number) => RawBuilder<StreamChange>;

/**
 * A member whose state changed is told also when not joined: by an invite, a ban, a rejected knock. `OFFSET 0`, for what is new are a few
 * rows, and the planner, which takes them to be as many as the limit, would read all of the other tables.
 */
const CHANGES: Readonly<Record<StreamName, ChangesQuery>> = {
  events: (after, limit) => sql`
    SELECT p.position, p.room_nid AS "roomNid", k.state_key AS "userId"
    FROM (SELECT position, room_nid FROM event_positions
      WHERE position > ${opaqueNumber(after)} ORDER BY position LIMIT ${sql.lit(limit)}) AS p
    LEFT JOIN LATERAL (SELECT state_key_nid FROM room_state
      WHERE room_nid = p.room_nid AND from_position = p.position AND type_nid = 1 OFFSET 0) AS s ON true
    LEFT JOIN LATERAL (SELECT state_key FROM state_keys WHERE state_key_nid = s.state_key_nid OFFSET 0) AS k ON true
    ORDER BY p.position`,
  account_data: (after, limit) => sql`
    SELECT position, NULL AS "roomNid", user_id AS "userId" FROM account_data
    WHERE position > ${after} ORDER BY position LIMIT ${limit}`,
  // One commit has one position for all its rows. Those of private receipts wake their user alone.
  receipts: (after, limit) => sql`
    SELECT position, CASE receipt_type WHEN 'm.read' THEN room_nid END AS "roomNid",
      CASE receipt_type WHEN 'm.read' THEN NULL ELSE user_id END AS "userId"
    FROM receipts WHERE position > ${after} ORDER BY position FETCH FIRST ${sql.lit(limit)} ROWS WITH TIES`,
  typing: (after, limit) => sql`
    SELECT position, room_nid AS "roomNid", NULL AS "userId" FROM typing
    WHERE position > ${after} ORDER BY position FETCH FIRST ${sql.lit(limit)} ROWS WITH TIES`,
  // Everybody who shares a room with the user, and the user.
  presence: (after, limit) => sql`
    SELECT p.position, m.room_nid AS "roomNid", p.user_id AS "userId"
    FROM (SELECT position, user_id FROM presence WHERE position > ${opaqueNumber(after)}
      ORDER BY position FETCH FIRST ${sql.lit(limit)} ROWS WITH TIES) AS p
    LEFT JOIN state_keys k ON k.state_key = p.user_id
    LEFT JOIN memberships m ON m.user_nid = k.state_key_nid AND m.membership = 'join'
    ORDER BY p.position`,
  thread_subscriptions: (after, limit) => sql`
    SELECT position, NULL AS "roomNid", user_id AS "userId" FROM thread_subscriptions
    WHERE position > ${after} ORDER BY position LIMIT ${limit}`,
  device_lists: (after, limit) => sql`
    SELECT p.position, m.room_nid AS "roomNid", coalesce(nullif(p.seen_by, ''), p.user_id) AS "userId"
    FROM (SELECT position, user_id, seen_by FROM device_lists WHERE position > ${opaqueNumber(after)}
      ORDER BY position FETCH FIRST ${sql.lit(limit)} ROWS WITH TIES) AS p
    LEFT JOIN state_keys k ON k.state_key = p.user_id AND p.seen_by = ''
    LEFT JOIN memberships m ON m.user_nid = k.state_key_nid AND m.membership = 'join'
    ORDER BY p.position`,
  key_counts: (after, limit) => sql`
    SELECT position, NULL AS "roomNid", user_id AS "userId" FROM key_counts
    WHERE position > ${after} ORDER BY position FETCH FIRST ${sql.lit(limit)} ROWS WITH TIES`,
  to_device: (after, limit) => sql`
    SELECT position, NULL AS "roomNid", user_id AS "userId", device_id AS "deviceId" FROM to_device
    WHERE position > ${after} ORDER BY position LIMIT ${limit}`,
};

/** Reads on in any durable stream. */
export class StreamChangesReader {
  constructor(private readonly database: Database) {}

  /** The next rows of a stream after a position, in order: those of at most `limit` positions. */
  async after(stream: StreamName, position: number, limit: number): Promise<StreamChange[]> {
    const { rows } = await this.query(stream, position, limit).execute(this.database.db);
    return rows;
  }

  /** @internal For the test that looks at its plan. */
  query(stream: StreamName, position: number, limit: number): RawBuilder<StreamChange> {
    return CHANGES[stream](position, limit);
  }
}
