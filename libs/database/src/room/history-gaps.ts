import type { EventId } from '@atoll/matrix';
import { type RawBuilder, sql } from 'kysely';

/** A predecessor that this server does not have. */
export interface HistoryGap {
  readonly eventId: EventId;
  /** Of an event that names it. */
  readonly depth: number;
  /** The event of the stream behind which it is missing, where that is known. */
  readonly followedByNid: number | null;
  /** The position of that event: what comes has its place just before it. 0 where it is not known: it comes before everything. */
  readonly beforePosition: number;
}

/** What is missing of a room's history, as a subquery. */
export function historyGaps(roomNid: number): RawBuilder<HistoryGap> {
  return sql<HistoryGap>`(
    SELECT b.event_id AS "eventId", b.depth, b.followed_by_nid AS "followedByNid",
      coalesce(p.position, 0) AS "beforePosition"
    FROM backward_extremities b
    LEFT JOIN event_positions p ON p.event_nid = b.followed_by_nid AND p.position > 0
    WHERE b.room_nid = ${roomNid})`;
}
