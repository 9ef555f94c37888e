import type { EventId, ServerName } from '@atoll/matrix';
import { type RawBuilder, sql, type Transaction } from 'kysely';
import { anyOf } from '../any-of.js';
import { serverOf } from '../federation/server-name-sql.js';
import type { Fence } from '../partition/fence-partitions.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { type DoomedEvent, purgeEvents } from './purge-events.js';
import type { RoomJobOf } from './room-job.js';
import type { RoomJobTransactor } from './room-job-transactor.js';
import { sentPosition } from './sent-position.js';

type Trx = Transaction<DatabaseSchema>;
type Job = RoomJobOf<'purge-history'>;

/** Events that one step looks at. */
const PAGE = 500;
/** After the timeline; the cursor of the timeline is a position, here it is the number of an event. */
const REFUSED_PHASE = 'refused';

interface PageRow extends DoomedEvent {
  readonly isDoomed: boolean;
}

/** What a step of a purge came to. */
export interface PurgedPage {
  readonly eventIds: readonly EventId[];
  /** Nothing lies before the point any more that could go. */
  readonly isLast: boolean;
}

/**
 * Purges message events. State events stay, with their places: `room_state` is the state at every position, and the authority of all that
 * is kept. So the state before and after every event that stays is what it was, and nothing of the room's graph of authority is
 * missing. Of messages there stay
 *
 * - the newest event of the room, and its forward extremities, on which the next event builds;
 * - redactions of what stays, and those that wait for an event which was never here;
 * - roots of threads that go on after the point;
 * - unless it is asked for, the events of local users, which perhaps no other server has; in any case those of them that are not routed
 *   to other servers yet, or that one which can be reached has not acknowledged;
 * - of a purged event, the state that is stored with it, as long as that of another builds on it.
 *
 * Messages that were soft-failed or rejected have no place in the timeline. Those go that claim to be older than the point, and to which no
 * event of the timeline is related.
 */
export class HistoryPurgeTransactor {
  /** @param partitions of destinations, fixed at installation */
  constructor(
    private readonly jobs: RoomJobTransactor,
    private readonly serverName: ServerName,
    private readonly partitions: number,
  ) {}

  /**
   * Goes through the next page, first of the timeline from the oldest event on, then of the messages that have no place in it. Within the
   * room's turn, and with nothing uncommitted: an event that is being placed may build on one that goes.
   * @throws NotOwnerError, RoomJobMovedOn
   */
  purgePage(job: Job, fence: Fence): Promise<PurgedPage> {
    return this.jobs.step(job, fence, async (trx) => {
      const isRefused = job.phase === REFUSED_PHASE;
      const page = isRefused ? await this.refused(trx, job) : await this.timeline(trx, job);
      const doomed = page.filter(({ isDoomed }) => isDoomed);
      if (doomed.length > 0) await purgeEvents(trx, job.roomNid ?? 0, doomed);
      const last = page.at(-1);
      const hasEnded = last === undefined || page.length < PAGE;
      const progress = {
        ...(last && { cursor: isRefused ? last.eventNid : last.position }),
        eventsPurged: doomed.length,
        ...(hasEnded && (isRefused ? { isDone: true } : { phase: REFUSED_PHASE, cursor: null })),
      };
      const eventIds = doomed.map(({ eventId }) => eventId);
      return { progress, result: { eventIds, isLast: hasEnded && isRefused } };
    });
  }

  private async timeline(trx: Trx, { roomNid, cursor, arguments: args }: Job): Promise<PageRow[]> {
    const { beforePosition, beforeTs, deleteLocalEvents } = args;
    const localUpTo = deleteLocalEvents
      ? await sentPosition(trx, roomNid ?? 0, this.serverName, this.partitions)
      : Number.MIN_SAFE_INTEGER;
    // As `TimelinePoint` has them.
    const anchor = sql`coalesce((SELECT before_position FROM event_positions WHERE position = ${beforePosition}::bigint),
      greatest(${beforePosition}::bigint, 0))`;
    const isBefore = (row: RawBuilder<unknown>) =>
      sql`(coalesce(${row}.before_position, greatest(${row}.position, 0)), ${row}.position) < (${anchor}, ${beforePosition}::bigint)`;
    const { rows } = await sql<PageRow>`
      SELECT p.position, e.event_nid AS "eventNid", e.event_id AS "eventId", e.json,
        e.state_key_nid IS NULL
          AND (${beforeTs}::bigint IS NULL OR e.origin_server_ts < ${beforeTs}::bigint)
          AND e.event_nid <> ALL (h.extremities)
          AND (${serverOf('k.state_key')} <> ${this.serverName} OR p.position <= ${localUpTo}::bigint)
          AND NOT EXISTS (SELECT FROM pending_redactions w WHERE w.redaction_event_nid = e.event_nid AND NOT w.is_target_purged)
          AND NOT EXISTS (SELECT FROM threads t JOIN event_positions lp ON lp.position = t.latest_position
            JOIN events l ON l.event_nid = lp.event_nid
            WHERE t.room_nid = ${roomNid} AND t.root_event_id = e.event_id
              AND (${beforePosition}::bigint IS NULL OR NOT ${isBefore(sql`lp`)})
              AND (${beforeTs}::bigint IS NULL OR l.origin_server_ts >= ${beforeTs}::bigint)) AS "isDoomed"
      FROM (
        SELECT position, event_nid FROM event_positions h
        WHERE room_nid = ${roomNid} AND (${cursor}::bigint IS NULL OR position > ${cursor}::bigint)
          AND (${beforePosition}::bigint IS NULL OR (position < ${anchor} AND ${isBefore(sql`h`)}))
          AND position < (SELECT max(position) FROM event_positions WHERE room_nid = ${roomNid})
        ORDER BY position LIMIT ${PAGE}) AS p
      JOIN events e ON e.event_nid = p.event_nid
      JOIN room_heads h ON h.room_nid = e.room_nid
      JOIN state_keys k ON k.state_key_nid = e.sender_nid
      ORDER BY p.position`.execute(trx);
    return withoutRedactionsOfKept(rows, await redactedBy(trx, rows));
  }

  /** What other servers claim of their times cannot be checked; nobody sees these events. */
  private async refused(trx: Trx, { roomNid, cursor, arguments: args }: Job): Promise<PageRow[]> {
    const { beforePosition, beforeTs, deleteLocalEvents } = args;
    const { rows } = await sql<PageRow>`
      SELECT NULL AS position, e.event_nid AS "eventNid", e.event_id AS "eventId", e.json,
        e.state_key_nid IS NULL
          AND e.origin_server_ts < coalesce(${beforeTs}::bigint, (SELECT b.origin_server_ts FROM event_positions p
            JOIN events b ON b.event_nid = p.event_nid WHERE p.position = ${beforePosition}::bigint))
          AND e.event_nid <> ALL (h.extremities)
          AND (${deleteLocalEvents}::boolean OR ${serverOf('k.state_key')} <> ${this.serverName})
          AND NOT EXISTS (SELECT FROM event_relations r WHERE r.room_nid = e.room_nid AND r.parent_event_id = e.event_id) AS "isDoomed"
      FROM events e
      JOIN room_heads h ON h.room_nid = e.room_nid
      JOIN state_keys k ON k.state_key_nid = e.sender_nid
      WHERE e.room_nid = ${roomNid} AND e.status IN (1, 2) AND e.event_nid > coalesce(${cursor}::bigint, 0)
      ORDER BY e.event_nid LIMIT ${PAGE}`.execute(trx);
    return rows;
  }
}

/** Of the redactions of a page that might go: what they redact. What went before them needs none. */
async function redactedBy(trx: Trx, rows: readonly PageRow[]): Promise<{ by: number; of: number }[]> {
  const nids = rows.flatMap(({ eventNid, isDoomed }) => (isDoomed ? [eventNid] : []));
  return trx
    .selectFrom('redactions')
    .select(['redaction_event_nid as by', 'redacted_event_nid as of'])
    .where('redaction_event_nid', '=', anyOf(nids))
    .execute();
}

/** What a redaction redacts may be a redaction itself, which stays because of what it redacts. */
function withoutRedactionsOfKept(
  rows: readonly PageRow[],
  redactions: readonly { readonly by: number; readonly of: number }[],
): PageRow[] {
  const doomed = new Set(rows.flatMap(({ eventNid, isDoomed }) => (isDoomed ? [eventNid] : [])));
  for (let before = -1; before !== doomed.size;) {
    before = doomed.size;
    for (const { by, of } of redactions) if (!doomed.has(of)) doomed.delete(by);
  }
  return rows.map((row) => ({ ...row, isDoomed: doomed.has(row.eventNid) }));
}
