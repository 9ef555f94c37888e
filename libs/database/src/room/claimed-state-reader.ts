import type { EventId } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import { EVENT_STATUS } from '../schema/event.table.js';

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

  /** Predecessors of the room's events that this server does not have, the newest first. */
  async backwardExtremities(roomNid: number, limit: number): Promise<EventId[]> {
    const rows = await this.database.db
      .selectFrom('backward_extremities')
      .select('event_id')
      .where('room_nid', '=', roomNid)
      .orderBy('depth', 'desc')
      .limit(limit)
      .execute();
    return rows.map((row) => row.event_id);
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
