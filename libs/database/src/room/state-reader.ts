import type { EventId } from '@atoll/matrix';
import { sql } from 'kysely';
import { allOf, anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import { EVENT_TYPE_NIDS } from '../schema/event.table.js';
import type { Membership } from './room-reader.js';

/** One key of a room's state and the event that held it. Load events with `EventReader.byNids`. */
export interface StateEventRef {
  readonly type: string;
  readonly stateKey: string;
  readonly eventNid: number;
  readonly eventId: EventId;
  /** The position at which it came into the room's state. */
  readonly since: number;
}

/** A key whose value changed; without an event it was removed by a state resolution. */
export interface StateDelta {
  readonly type: string;
  readonly stateKey: string;
  readonly eventNid: number | null;
  readonly since: number;
}

/** Narrows a state; every condition must hold. */
export interface StateFilter {
  readonly types?: readonly string[];
  readonly notTypes?: readonly string[];
  readonly stateKeys?: readonly string[];
  /** All but the members, without looking at these. */
  readonly withoutMembers?: boolean;
  /** No more keys than this, whichever they are. */
  readonly limit?: number;
}

/**
 * The state of a room, now and at any position of its timeline. State at p is what held right after the event at p:
 * `from_position <= p` and (`to_position` absent or `> p`).
 */
export class StateReader {
  constructor(private readonly database: Database) {}

  async currentState(roomNid: number, filter: StateFilter = {}): Promise<StateEventRef[]> {
    return this.currentStateQuery(roomNid, filter).execute();
  }

  /** How many keys the state has now. */
  async currentCount(roomNid: number): Promise<number> {
    const { count } = await this.database.db
      .selectFrom('room_state')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('room_nid', '=', roomNid)
      .where('to_position', 'is', null)
      .where('event_nid', 'is not', null)
      .executeTakeFirstOrThrow();
    return count;
  }

  async stateAt(roomNid: number, position: number, filter: StateFilter = {}): Promise<StateEventRef[]> {
    return this.stateAtQuery(roomNid, position, filter).execute();
  }

  /** The holder of one key now, or at a position. */
  async stateEvent(
    roomNid: number,
    type: string,
    stateKey: string,
    position?: number,
  ): Promise<StateEventRef | undefined> {
    const filter = { types: [type], stateKeys: [stateKey] };
    const query =
      position === undefined
        ? this.currentStateQuery(roomNid, filter)
        : this.stateAtQuery(roomNid, position, filter);
    return query.executeTakeFirst();
  }

  /** The keys that differ between the states at `from` and at `to`, with what they hold at `to`. */
  async stateDelta(roomNid: number, from: number, to: number): Promise<StateDelta[]> {
    return this.stateDeltaQuery(roomNid, from, to).execute();
  }

  /** The member events of the current state with one of the memberships. */
  async membersOf(roomNid: number, memberships: readonly Membership[]): Promise<StateEventRef[]> {
    return this.database.db
      .selectFrom('memberships as m')
      .innerJoin('state_keys as k', 'k.state_key_nid', 'm.user_nid')
      .innerJoin('events as e', 'e.event_nid', 'm.event_nid')
      .select([
        sql<string>`'m.room.member'`.as('type'),
        'k.state_key as stateKey',
        'm.event_nid as eventNid',
        'e.event_id as eventId',
        'm.position as since',
      ])
      .where('m.room_nid', '=', roomNid)
      .where('m.membership', '=', anyOf(memberships))
      .execute();
  }

  /**
   * The state event that each of the given events replaced in the room's state, by nid. Events that are no state,
   * replaced nothing or have no position have no entry.
   */
  async replacedBy(eventNids: readonly number[]): Promise<Map<number, number>> {
    const rows = await this.database.db
      .selectFrom('events as e')
      .innerJoin('event_positions as p', 'p.event_nid', 'e.event_nid')
      .innerJoin('room_state as s', (join) =>
        join
          .onRef('s.room_nid', '=', 'e.room_nid')
          .onRef('s.type_nid', '=', 'e.type_nid')
          .onRef('s.state_key_nid', '=', 'e.state_key_nid')
          .onRef('s.from_position', '<', 'p.position'),
      )
      .select(['e.event_nid as eventNid', 's.event_nid as replaced'])
      .where('e.event_nid', '=', anyOf(eventNids))
      .where((or) =>
        or.or([or('s.to_position', 'is', null), or('s.to_position', '>=', or.ref('p.position'))]),
      )
      .where('s.event_nid', 'is not', null)
      .execute();
    return new Map(rows.flatMap((row) => (row.replaced === null ? [] : [[row.eventNid, row.replaced]])));
  }

  currentStateQuery(roomNid: number, filter: StateFilter) {
    return this.entries(roomNid, filter).where('s.to_position', 'is', null);
  }

  stateAtQuery(roomNid: number, position: number, filter: StateFilter) {
    return this.entries(roomNid, filter)
      .where('s.from_position', '<=', position)
      .where((or) => or.or([or('s.to_position', 'is', null), or('s.to_position', '>', position)]));
  }

  stateDeltaQuery(roomNid: number, from: number, to: number) {
    return this.database.db
      .selectFrom('room_state as s')
      .innerJoin('event_types as t', 't.type_nid', 's.type_nid')
      .innerJoin('state_keys as k', 'k.state_key_nid', 's.state_key_nid')
      .select(['t.type', 'k.state_key as stateKey', 's.event_nid as eventNid', 's.from_position as since'])
      .where('s.room_nid', '=', roomNid)
      .where('s.from_position', '>', from)
      .where('s.from_position', '<=', to)
      .where((or) => or.or([or('s.to_position', 'is', null), or('s.to_position', '>', to)]));
  }

  private entries(roomNid: number, { types, notTypes, stateKeys, withoutMembers, limit }: StateFilter) {
    return (
      this.database.db
        .selectFrom('room_state as s')
        .innerJoin('event_types as t', 't.type_nid', 's.type_nid')
        .innerJoin('state_keys as k', 'k.state_key_nid', 's.state_key_nid')
        .innerJoin('events as e', 'e.event_nid', 's.event_nid')
        .select([
          't.type',
          'k.state_key as stateKey',
          'e.event_nid as eventNid',
          'e.event_id as eventId',
          's.from_position as since',
        ])
        .where('s.room_nid', '=', roomNid)
        .$if(types !== undefined, (query) => query.where('t.type', '=', anyOf(types ?? [])))
        .$if(notTypes !== undefined, (query) => query.where('t.type', '!=', allOf(notTypes ?? [])))
        .$if(stateKeys !== undefined, (query) => query.where('k.state_key', '=', anyOf(stateKeys ?? [])))
        // No type has a lower number: what is above is one range of the indexes.
        .$if(withoutMembers === true, (query) =>
          query.where('s.type_nid', '>', EVENT_TYPE_NIDS['m.room.member']),
        )
        .$if(limit !== undefined, (query) => query.limit(limit ?? 0))
    );
  }
}
