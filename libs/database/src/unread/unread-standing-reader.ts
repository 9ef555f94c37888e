import type { EventId, UserId } from '@atoll/matrix';
import type { ReadUpTo, UnreadCount, UnreadStanding } from '@atoll/push-rules';
import { type RawBuilder, sql } from 'kysely';
import { anyOf, opaqueArray } from '../any-of.js';
import type { Database } from '../open-database.js';

/** Whose counts in which room are wanted, as of which position of the events stream. */
export interface UnreadQuestion {
  readonly userId: UserId;
  readonly roomNid: number;
  readonly upTo: number;
}

/** What is known without looking at events. */
export interface RoomStanding extends UnreadQuestion, UnreadStanding {
  readonly userNid: number;
  /** The newest event of the room up to the position asked for; 0 for none. */
  readonly newest: number;
}

/** An event of a room by its number. */
export interface PlacedEvent {
  readonly roomNid: number;
  readonly eventNid: number;
  readonly position: number;
}

/** A stretch of a room's timeline: `from < position <= to`. */
export interface RoomStretch {
  readonly roomNid: number;
  readonly from: number;
  readonly to: number;
}

interface StandingRow extends UnreadQuestion {
  readonly userNid: number;
  readonly newest: number | null;
  readonly countedTo: number | null;
  /** thread, notify, highlight, since */
  readonly counts: readonly [number, number, number, number][] | null;
  /** thread (null for an unthreaded receipt), position */
  readonly receipts: readonly [number | null, number][] | null;
}

/** Events of one room that are looked at for one answer, the newest. */
const MAX_EVENTS_OF_ROOM = 1_000;
/** Bounds what {@link UnreadStandingReader.eventsIn} reads at once. */
const MAX_EVENTS = 10_000;
/** Stretches whose events may be asked for together: the events of one take no room from another's. */
export const STRETCHES_AT_ONCE = MAX_EVENTS / MAX_EVENTS_OF_ROOM;

/** Reads what was counted, what was read since, and which events must still be looked at: of many rooms at once. */
export class UnreadStandingReader {
  constructor(private readonly database: Database) {}

  /** In one snapshot, so that counts, cursors and receipts belong together. */
  async standings(questions: readonly UnreadQuestion[]): Promise<RoomStanding[]> {
    if (questions.length === 0) return [];
    const { rows } = await this.standingsQuery(questions).execute(this.database.db);
    return rows.map(({ counts, receipts, countedTo, newest, ...row }) => ({
      ...row,
      newest: newest ?? 0,
      countedTo: countedTo ?? 0,
      counts: new Map(
        (counts ?? []).map(([thread, notify, highlight, since]): [number, UnreadCount] => [
          thread,
          { notify, highlight, since },
        ]),
      ),
      read: readUpTo(receipts ?? []),
    }));
  }

  /**
   * A receipt in a thread whose root is not known here reads nothing, for its events count as of the main timeline.
   * @internal For the test that looks at its plan.
   */
  standingsQuery(questions: readonly UnreadQuestion[]): RawBuilder<StandingRow> {
    const users = opaqueArray(
      questions.map(({ userId }) => userId),
      'text',
    );
    const numbers = (of: (question: UnreadQuestion) => number) => opaqueArray(questions.map(of), 'bigint');
    return sql<StandingRow>`
      SELECT q.user_id AS "userId", q.room AS "roomNid", q.up_to AS "upTo", k.state_key_nid AS "userNid",
        newest.position AS newest, c.events_position AS "countedTo",
        (SELECT json_agg(json_build_array(u.thread_nid, u.notify, u.highlight, u.since_position))
          FROM unread_counts u WHERE u.user_nid = k.state_key_nid AND u.room_nid = q.room) AS counts,
        (SELECT json_agg(json_build_array(CASE s.thread_id WHEN 'main' THEN 0 ELSE root.event_nid END, s.event_position))
          FROM receipts s LEFT JOIN events root ON s.thread_id NOT IN ('', 'main') AND root.event_id = s.thread_id
          WHERE s.room_nid = q.room AND s.user_id = q.user_id AND s.event_position > 0
            AND (s.thread_id IN ('', 'main') OR root.event_nid IS NOT NULL)) AS receipts
      FROM unnest(${users}, ${numbers(({ roomNid }) => roomNid)}, ${numbers(({ upTo }) => upTo)})
        AS q(user_id, room, up_to)
      JOIN state_keys k ON k.state_key = q.user_id
      JOIN rooms r ON r.room_nid = q.room
      LEFT JOIN push_cursors c ON c.partition = r.partition
      LEFT JOIN LATERAL (SELECT position FROM event_positions
        WHERE room_nid = q.room AND position > 0 AND position <= q.up_to ORDER BY position DESC LIMIT 1) AS newest ON true`;
  }

  /** The ids of events by their numbers. */
  async eventIds(eventNids: readonly number[]): Promise<Map<number, EventId>> {
    if (eventNids.length === 0) return new Map();
    const rows = await this.database.db
      .selectFrom('events')
      .select(['event_nid', 'event_id'])
      .where('event_nid', '=', anyOf(eventNids))
      .execute();
    return new Map(rows.map((row) => [row.event_nid, row.event_id]));
  }

  /** The events of at most {@link STRETCHES_AT_ONCE} stretches, the newest of each, in the order of their positions. */
  async eventsIn(stretches: readonly RoomStretch[]): Promise<PlacedEvent[]> {
    if (stretches.length === 0) return [];
    const { rows } = await sql<PlacedEvent>`
      SELECT x.room AS "roomNid", p.event_nid AS "eventNid", p.position
      FROM unnest(${stretches.map(({ roomNid }) => roomNid)}::bigint[], ${stretches.map(({ from }) => from)}::bigint[],
        ${stretches.map(({ to }) => to)}::bigint[]) AS x(room, above, up_to)
      CROSS JOIN LATERAL (SELECT event_nid, position FROM event_positions
        WHERE room_nid = x.room AND position > x.above AND position <= x.up_to
        ORDER BY position DESC LIMIT ${sql.lit(MAX_EVENTS_OF_ROOM)}) AS p
      ORDER BY p.position`.execute(this.database.db);
    return rows;
  }
}

function readUpTo(receipts: readonly [number | null, number][]): ReadUpTo {
  const threads = new Map<number, number>();
  let room = 0;
  for (const [thread, position] of receipts) {
    if (thread === null) room = Math.max(room, position);
    else threads.set(thread, Math.max(threads.get(thread) ?? 0, position));
  }
  return { room, threads };
}
