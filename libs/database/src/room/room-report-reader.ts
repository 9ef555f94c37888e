import type { EventId, RoomId } from '@atoll/matrix';
import { sql } from 'kysely';
import { serverOf } from '../federation/server-name-sql.js';
import type { Database } from '../open-database.js';
import { EVENT_STATUS } from '../schema/event.table.js';
import type { StateResetChange } from '../schema/room.table.js';

/** An event that no accepted event of the room follows yet. */
export interface ReportedExtremity {
  readonly eventId: EventId;
  readonly type: string;
  readonly sender: string;
  readonly depth: number;
  /** ms since 1970, as its sender says. */
  readonly originServerTs: number;
}

export interface ReportedReset {
  readonly at: Date;
  readonly causeId: EventId;
  readonly changes: readonly StateResetChange[];
}

const NEWEST = 1_000;

/** What an operator wants to know of a room that looks wrong. Each query reads a bounded part of it, but for the members. */
export class RoomReportReader {
  constructor(private readonly database: Database) {}

  /** Servers by their joined users, those with the most first. */
  async membersByServer(
    roomNid: number,
    limit: number,
  ): Promise<{ readonly server: string; readonly members: number }[]> {
    return this.database.db
      .selectFrom('memberships as m')
      .innerJoin('state_keys as k', 'k.state_key_nid', 'm.user_nid')
      .select(({ fn }) => [serverOf('k.state_key').as('server'), fn.countAll<number>().as('members')])
      .where('m.room_nid', '=', roomNid)
      .where('m.membership', '=', 'join')
      .groupBy('server')
      .orderBy('members', 'desc')
      .orderBy('server')
      .limit(limit)
      .execute();
  }

  async extremities(roomNid: number): Promise<ReportedExtremity[]> {
    return this.database.db
      .selectFrom('room_heads as h')
      .innerJoin('events as e', (join) => join.on(sql`e.event_nid`, '=', sql`any(h.extremities)`))
      .innerJoin('event_types as t', 't.type_nid', 'e.type_nid')
      .innerJoin('state_keys as k', 'k.state_key_nid', 'e.sender_nid')
      .select([
        'e.event_id as eventId',
        't.type',
        'k.state_key as sender',
        'e.depth',
        'e.origin_server_ts as originServerTs',
      ])
      .where('h.room_nid', '=', roomNid)
      .orderBy('e.depth', 'desc')
      .execute();
  }

  /** Predecessors of the room's events that this server does not have. */
  async countMissing(roomNid: number): Promise<number> {
    const { count } = await this.database.db
      .selectFrom('backward_extremities')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('room_nid', '=', roomNid)
      .executeTakeFirstOrThrow();
    return count;
  }

  /** Events of other servers that wait to be taken; times are ms since 1970. */
  async staged(roomId: RoomId): Promise<{
    readonly count: number;
    readonly oldestTs: number | null;
    readonly maxTries: number | null;
    readonly nextTryTs: number | null;
  }> {
    return this.database.db
      .selectFrom('staged_pdus')
      .select(({ fn }) => [
        fn.countAll<number>().as('count'),
        fn.min<number | null>('received_ts').as('oldestTs'),
        fn.max<number | null>('tries').as('maxTries'),
        fn.min<number | null>('retry_at').as('nextTryTs'),
      ])
      .where('room_id', '=', roomId)
      .executeTakeFirstOrThrow();
  }

  /** What became of the newest 1,000 events, by the times that their senders say. */
  async newestByStatus(roomNid: number): Promise<{ readonly softFailed: number; readonly rejected: number }> {
    return this.database.db
      .selectFrom((eb) =>
        eb
          .selectFrom('events')
          .select('status')
          .where('room_nid', '=', roomNid)
          .orderBy('origin_server_ts', 'desc')
          .limit(NEWEST)
          .as('newest'),
      )
      .select(({ fn }) => [
        fn.countAll<number>().filterWhere('status', '=', EVENT_STATUS.softFailed).as('softFailed'),
        fn.countAll<number>().filterWhere('status', '=', EVENT_STATUS.rejected).as('rejected'),
      ])
      .executeTakeFirstOrThrow();
  }

  /** The newest first. */
  async resets(roomNid: number, limit: number): Promise<ReportedReset[]> {
    return this.database.db
      .selectFrom('state_resets as r')
      .innerJoin('events as e', 'e.event_nid', 'r.cause_event_nid')
      .select(['r.created_at as at', 'e.event_id as causeId', 'r.changes'])
      .where('r.room_nid', '=', roomNid)
      .orderBy('r.id', 'desc')
      .limit(limit)
      .execute();
  }
}
