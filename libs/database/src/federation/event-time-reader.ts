import type { EventId } from '@atoll/matrix';
import { sql } from 'kysely';
import type { Database } from '../open-database.js';

export interface EventTime {
  readonly eventNid: number;
  readonly eventId: EventId;
  /** As its sender says: ms since 1970. */
  readonly originServerTs: number;
  readonly depth: number;
}

/** Finds events of a room's timeline by time. */
export class EventTimeReader {
  constructor(private readonly database: Database) {}

  /** The first at or after a time (`f`), or the last at or before it (`b`); of several of one time, by their order in the room. */
  async closest(roomNid: number, ts: number, dir: 'f' | 'b'): Promise<EventTime | undefined> {
    return (await this.near(roomNid, ts, dir, { offset: 0, limit: 1 }))[0];
  }

  /** The one that `closest` gives and those that follow it in the direction. */
  async near(
    roomNid: number,
    ts: number,
    dir: 'f' | 'b',
    { offset, limit }: { offset: number; limit: number },
  ): Promise<EventTime[]> {
    const order = dir === 'f' ? 'asc' : 'desc';
    return this.database.db
      .selectFrom('events as e')
      .innerJoin('event_positions as p', 'p.event_nid', 'e.event_nid')
      .select([
        'e.event_nid as eventNid',
        'e.event_id as eventId',
        'e.origin_server_ts as originServerTs',
        'e.depth',
      ])
      .where('e.room_nid', '=', roomNid)
      .where('e.origin_server_ts', dir === 'f' ? '>=' : '<=', ts)
      .orderBy('e.origin_server_ts', order)
      .orderBy('e.depth', order)
      .orderBy(sql`coalesce(p.before_position, greatest(p.position, 0))`, order)
      .orderBy('p.position', order)
      .limit(limit)
      .offset(offset)
      .execute();
  }
}
