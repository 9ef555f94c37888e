import type { EventId } from '@atoll/matrix';
import { sql } from 'kysely';
import type { Database } from '../open-database.js';
import { anyOf } from '../any-of.js';
import { type StoredEvent, toStoredEvent } from './stored-event.js';
import { pointAfter, pointBefore, type TimelinePoint } from './timeline-point.js';
import { pointSql, timelineStretch } from './timeline-stretch.js';
import { type ClientTransaction, transactionKey } from './transaction-key.js';

/**
 * A stretch of a room's timeline between two points: forwards (`f`) what lies after `from` up to `to`, backwards (`b`) what
 * lies after `to` up to `from`, the newest first. An absent bound is open.
 */
export interface TimelineRange {
  readonly from?: TimelinePoint;
  readonly to?: TimelinePoint;
  readonly dir: 'f' | 'b';
  readonly limit: number;
}

/** Events before and after one, each the nearest first; without the event itself. */
export interface EventsAround {
  readonly before: StoredEvent[];
  readonly after: StoredEvent[];
}

/** Events by id, by nid and along a room's timeline. Whether somebody may see them is the caller's question. */
export class EventReader {
  constructor(private readonly database: Database) {}

  /** The known ones of the events, by id, of any status. */
  async byIds(eventIds: readonly EventId[]): Promise<Map<EventId, StoredEvent>> {
    const rows = await this.events().where('e.event_id', '=', anyOf(eventIds)).execute();
    return new Map(rows.map((row) => [row.eventId, toStoredEvent(row)]));
  }

  /** The known ones of the events, by nid, of any status. */
  async byNids(eventNids: readonly number[]): Promise<Map<number, StoredEvent>> {
    const rows = await this.events().where('e.event_nid', '=', anyOf(eventNids, 'bigint')).execute();
    return new Map(rows.map((row) => [row.eventNid, toStoredEvent(row)]));
  }

  /** The event that a client's transaction made. */
  async idByTransaction(transaction: ClientTransaction): Promise<EventId | undefined> {
    const row = await this.database.db
      .selectFrom('event_transactions as t')
      .innerJoin('events as e', 'e.event_nid', 't.event_nid')
      .select('e.event_id')
      .where('t.key', '=', transactionKey(transaction))
      .executeTakeFirst();
    return row?.event_id;
  }

  /** Events of a room's timeline in the order of the direction. */
  async timeline(roomNid: number, range: TimelineRange): Promise<StoredEvent[]> {
    const rows = await this.timelineQuery(roomNid, range).execute();
    return rows.map(toStoredEvent);
  }

  /** Events of a room's stream, in order: `after < position <= upTo`. Without history, which is no news. */
  async stream(roomNid: number, after: number, upTo: number, limit: number): Promise<StoredEvent[]> {
    const rows = await this.events()
      .where('p.room_nid', '=', roomNid)
      .where('p.position', '>', Math.max(after, 0))
      .where('p.position', '<=', upTo)
      .orderBy('p.position')
      .limit(limit)
      .execute();
    return rows.map(toStoredEvent);
  }

  /** The events around one of the timeline; `before` and `after` are the largest numbers of them. */
  async aroundEvent(event: StoredEvent, limits: { before: number; after: number }): Promise<EventsAround> {
    const [before, after] = await Promise.all([
      this.timeline(event.roomNid, { dir: 'b', from: pointBefore(event), limit: limits.before }),
      this.timeline(event.roomNid, { dir: 'f', from: pointAfter(event), limit: limits.after }),
    ]);
    return { before, after };
  }

  /** @internal The query behind `timeline`, for the test that looks at its plan. */
  timelineQuery(roomNid: number, { from, to, dir, limit }: TimelineRange) {
    const [above, upTo] = dir === 'f' ? [from, to] : [to, from];
    const stretch = timelineStretch({
      room: sql`${roomNid}::bigint`,
      above: above && pointSql(above),
      upTo: upTo && pointSql(upTo),
      dir,
      limit,
    });
    return this.events()
      .innerJoin(stretch.as('stretch'), 'stretch.event_nid', 'e.event_nid')
      .orderBy('stretch.anchor', dir === 'f' ? 'asc' : 'desc')
      .orderBy('stretch.position', dir === 'f' ? 'asc' : 'desc');
  }

  private events() {
    return this.database.db
      .selectFrom('events as e')
      .innerJoin('rooms as r', 'r.room_nid', 'e.room_nid')
      .leftJoin('event_positions as p', 'p.event_nid', 'e.event_nid')
      .leftJoin('redactions as x', 'x.redacted_event_nid', 'e.event_nid')
      .leftJoin('events as because', 'because.event_nid', 'x.redaction_event_nid')
      .leftJoin('redactions as y', 'y.redacted_event_nid', 'x.redaction_event_nid')
      .leftJoin('event_transactions as t', 't.event_nid', 'e.event_nid')
      .select((eb) => [
        'e.event_nid as eventNid',
        'e.event_id as eventId',
        'e.room_nid as roomNid',
        'r.room_id as roomId',
        'r.version as roomVersion',
        'p.position',
        'p.before_position as beforePosition',
        'e.status',
        'e.json',
        'because.event_id as redactionId',
        'because.json as redactionJson',
        eb('y.redacted_event_nid', 'is not', null).$castTo<boolean>().as('isRedactionRedacted'),
        't.device_id as deviceId',
        't.transaction_id as transactionId',
      ]);
  }
}
