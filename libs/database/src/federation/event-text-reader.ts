import type { EventId } from '@atoll/matrix';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import { EMPTY_STATE_KEY_NID, type EventStatus } from '../schema/event.table.js';

/** An event as it is sent to other servers: as text, because numbers in it may not survive parsing. */
export interface EventText {
  readonly eventNid: number;
  readonly eventId: EventId;
  readonly roomNid: number;
  readonly roomVersion: string;
  readonly status: EventStatus;
  /** The PDU as stored, unredacted also when `isRedacted`: whoever serves it redacts. */
  readonly json: string;
  readonly isRedacted: boolean;
}

/** Texts that are held at once; an event has up to 64 KiB. */
const PAGE = 500;

/** Reads events to be sent to other servers. Whether they may have them is the caller's question. */
export class EventTextReader {
  constructor(private readonly database: Database) {}

  async byId(eventId: EventId): Promise<EventText | undefined> {
    return this.events().where('e.event_id', '=', eventId).executeTakeFirst();
  }

  /** Those of the events that are known and belong to the room, of any status, in no particular order. */
  async byIds(roomNid: number, eventIds: readonly EventId[]): Promise<EventText[]> {
    return this.events()
      .where('e.event_id', '=', anyOf(eventIds))
      .where('e.room_nid', '=', roomNid)
      .execute();
  }

  /** In no particular order. For many events, `pages`. */
  async byNids(eventNids: readonly number[]): Promise<EventText[]> {
    return this.events().where('e.event_nid', '=', anyOf(eventNids)).execute();
  }

  /** The events in pages, so that neither all texts are in memory nor the event loop is held. */
  async *pages(eventNids: readonly number[]): AsyncGenerator<EventText[], void> {
    for (let start = 0; start < eventNids.length; start += PAGE) {
      yield await this.byNids(eventNids.slice(start, start + PAGE));
    }
  }

  /** Their ids, in no particular order. */
  async idsOf(eventNids: readonly number[]): Promise<EventId[]> {
    const rows = await this.database.db
      .selectFrom('events')
      .select('event_id')
      .where('event_nid', '=', anyOf(eventNids))
      .execute();
    return rows.map((row) => row.event_id);
  }

  /** The events that hold keys of the types now, with the empty state key, in each of the rooms. */
  async currentState(roomNids: readonly number[], types: readonly string[]): Promise<EventText[]> {
    return this.current(roomNids)
      .where('s.state_key_nid', '=', EMPTY_STATE_KEY_NID)
      .where('t.type', '=', anyOf(types))
      .execute();
  }

  /** The events of one type, of up to so many bytes, that hold their keys now, the oldest in the state first. */
  async currentOfType(
    roomNid: number,
    type: string,
    { limit, maxBytes }: { limit: number; maxBytes: number },
  ): Promise<EventText[]> {
    return this.current([roomNid])
      .where('t.type', '=', type)
      .where((eb) => eb(eb.fn<number>('octet_length', ['e.json']), '<=', maxBytes))
      .orderBy('s.from_position')
      .limit(limit)
      .execute();
  }

  private current(roomNids: readonly number[]) {
    return this.events()
      .innerJoin('room_state as s', 's.event_nid', 'e.event_nid')
      .innerJoin('event_types as t', 't.type_nid', 's.type_nid')
      .where('s.room_nid', '=', anyOf(roomNids))
      .where('s.to_position', 'is', null);
  }

  private events() {
    return this.database.db
      .selectFrom('events as e')
      .innerJoin('rooms as r', 'r.room_nid', 'e.room_nid')
      .leftJoin('redactions as x', 'x.redacted_event_nid', 'e.event_nid')
      .select((eb) => [
        'e.event_nid as eventNid',
        'e.event_id as eventId',
        'e.room_nid as roomNid',
        'r.version as roomVersion',
        'e.status',
        'e.json',
        eb('x.redacted_event_nid', 'is not', null).$castTo<boolean>().as('isRedacted'),
      ]);
  }
}
