import type { EventId } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';

/** Where an event stands. */
export interface EventPlace {
  readonly roomNid: number;
  /** In the events stream; null for events that are in no timeline. */
  readonly position: number | null;
}

/** Finds the places of events without reading them. */
export class EventPlaceReader {
  constructor(private readonly database: Database) {}

  /** The known ones of the events. */
  async of(eventIds: readonly EventId[]): Promise<Map<EventId, EventPlace>> {
    const rows = await this.database.db
      .selectFrom('events as e')
      .leftJoin('event_positions as p', 'p.event_nid', 'e.event_nid')
      .select(['e.event_id as eventId', 'e.room_nid as roomNid', 'p.position'])
      .where('e.event_id', '=', anyOf(eventIds))
      .execute();
    return new Map(rows.map(({ eventId, ...place }) => [eventId, place]));
  }
}
