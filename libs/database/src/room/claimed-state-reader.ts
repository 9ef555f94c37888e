import type { EventId } from '@atoll/matrix';
import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import { EVENT_STATUS } from '../schema/event.table.js';
import { type HistoryGap, historyGaps } from './history-gaps.js';

/** What a room's owner must know of an event that another server calls state. */
export interface ClaimedEvent {
  readonly eventId: EventId;
  readonly type: string;
  /** Null where it is no state event. */
  readonly stateKey: string | null;
  readonly rejected: boolean;
}

/** Ids that are looked up at once: states have hundreds of thousands of events. */
const PAGE = 5_000;

/** What this server has of what other servers claim about a room, and what it lacks of its history. */
export class ClaimedStateReader {
  constructor(private readonly database: Database) {}

  /** Those of the events that are known in the room, in no particular order. Their texts are not read. */
  async known(roomNid: number, eventIds: readonly EventId[]): Promise<ClaimedEvent[]> {
    const known: ClaimedEvent[] = [];
    for (let start = 0; start < eventIds.length; start += PAGE) {
      known.push(...(await this.page(roomNid, eventIds.slice(start, start + PAGE))));
    }
    return known;
  }

  private async page(roomNid: number, eventIds: readonly EventId[]): Promise<ClaimedEvent[]> {
    const rows = await this.database.db
      .selectFrom('events as e')
      .innerJoin('event_types as t', 't.type_nid', 'e.type_nid')
      .leftJoin('state_keys as k', 'k.state_key_nid', 'e.state_key_nid')
      .select(['e.event_id as eventId', 't.type', 'k.state_key as stateKey', 'e.status'])
      .where('e.event_id', '=', anyOf(eventIds))
      .where('e.room_nid', '=', roomNid)
      .execute();
    return rows.map(({ status, ...row }) => ({
      ...row,
      rejected: status === EVENT_STATUS.rejected || status === EVENT_STATUS.rejectedOutlier,
    }));
  }

  /**
   * What is missing at one place of the room's history, the deepest first, at most `limit`.
   * @param before the place: the position of the event that follows; without it, where something is missing deepest in the room
   */
  async missingAt(roomNid: number, before: number | undefined, limit: number): Promise<HistoryGap[]> {
    const { rows } = await sql<HistoryGap>`
      WITH gaps AS ${historyGaps(roomNid)}
      SELECT * FROM gaps WHERE "beforePosition" = coalesce(${before ?? null}::bigint,
        (SELECT "beforePosition" FROM gaps ORDER BY depth DESC LIMIT 1))
      ORDER BY depth DESC LIMIT ${limit}`.execute(this.database.db);
    return rows;
  }

  /** The least depth of the events behind which history is missing; 0 when none is. */
  async historyDepth(roomNid: number): Promise<number> {
    const { depth } = await this.database.db
      .selectFrom('backward_extremities')
      .select(({ fn }) => fn.min<number | null>('depth').as('depth'))
      .where('room_nid', '=', roomNid)
      .executeTakeFirstOrThrow();
    return depth ?? 0;
  }
}
