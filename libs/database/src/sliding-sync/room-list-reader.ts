import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import { EMPTY_STATE_KEY_NID, EVENT_TYPE_NIDS } from '../schema/event.table.js';

/** How far back in a room is looked for an event that bumps it. */
const BUMP_EVENTS = 1000;

/** Reads what sorts and filters the rooms of an account, of all of them at once. */
export class RoomListReader {
  constructor(private readonly database: Database) {}

  /** The newest position of each room up to one; rooms without have no entry. One index probe a room. */
  async newestPositions(roomNids: readonly number[], upTo: number): Promise<Map<number, number>> {
    if (roomNids.length === 0) return new Map();
    const { rows } = await this.newestPositionsQuery(roomNids, upTo).execute(this.database.db);
    return new Map(rows.map(({ roomNid, position }) => [roomNid, position]));
  }

  /** @internal For the test that looks at its plan. */
  newestPositionsQuery(roomNids: readonly number[], upTo: number) {
    return sql<{ roomNid: number; position: number }>`
      SELECT r.nid AS "roomNid", p.position FROM unnest(${roomNids}::bigint[]) AS r(nid)
      CROSS JOIN LATERAL (SELECT position FROM event_positions
        WHERE room_nid = r.nid AND position <= ${upTo} ORDER BY position DESC LIMIT 1) AS p`;
  }

  /** The PDUs of the create events in the rooms' states, as JSON. */
  async createEvents(roomNids: readonly number[]): Promise<Map<number, string>> {
    if (roomNids.length === 0) return new Map();
    const rows = await this.database.db
      .selectFrom('room_state as s')
      .innerJoin('events as e', 'e.event_nid', 's.event_nid')
      .select(['s.room_nid', 'e.json'])
      .where('s.room_nid', '=', anyOf(roomNids))
      .where('s.type_nid', '=', EVENT_TYPE_NIDS['m.room.create'])
      .where('s.state_key_nid', '=', EMPTY_STATE_KEY_NID)
      .where('s.to_position', 'is', null)
      .execute();
    return new Map(rows.map((row) => [row.room_nid, row.json]));
  }

  /** Those of the rooms whose state now has `(type, '')`. */
  async havingState(roomNids: readonly number[], type: string): Promise<Set<number>> {
    if (roomNids.length === 0) return new Set();
    const rows = await this.database.db
      .selectFrom('room_state as s')
      .select('s.room_nid')
      .where('s.room_nid', '=', anyOf(roomNids))
      .where('s.type_nid', '=', (eb) =>
        eb.selectFrom('event_types').select('type_nid').where('type', '=', type),
      )
      .where('s.state_key_nid', '=', EMPTY_STATE_KEY_NID)
      .where('s.to_position', 'is', null)
      .where('s.event_nid', 'is not', null)
      .execute();
    return new Set(rows.map((row) => row.room_nid));
  }

  /** Those of the member events by which users left by themselves. */
  async ownDepartures(eventNids: readonly number[]): Promise<Set<number>> {
    if (eventNids.length === 0) return new Set();
    const rows = await this.database.db
      .selectFrom('events')
      .select('event_nid')
      .where('event_nid', '=', anyOf(eventNids))
      .whereRef('sender_nid', '=', 'state_key_nid')
      .execute();
    return new Set(rows.map((row) => row.event_nid));
  }

  /**
   * The newest position of an event of one of the types in each room up to one, looked for among the newest 1,000; a room without has
   * the position that was looked at last.
   */
  async bumpPositions(
    rooms: readonly { readonly roomNid: number; readonly upTo: number }[],
    types: readonly string[],
  ): Promise<Map<number, { position: number; isFound: boolean }>> {
    if (rooms.length === 0) return new Map();
    const { rows } = await this.bumpPositionsQuery(rooms, types).execute(this.database.db);
    return new Map(
      rows.map(({ roomNid, bump, last }) => [roomNid, { position: bump ?? last, isFound: bump !== null }]),
    );
  }

  /** @internal For the test that looks at its plan. */
  bumpPositionsQuery(
    rooms: readonly { readonly roomNid: number; readonly upTo: number }[],
    types: readonly string[],
  ) {
    return sql<{ roomNid: number; bump: number | null; last: number }>`
      SELECT r.nid AS "roomNid", bump.position AS bump, coalesce(bump.position, last.position, 0) AS last
      FROM unnest(${rooms.map(({ roomNid }) => roomNid)}::bigint[], ${rooms.map(({ upTo }) => upTo)}::bigint[]) AS r(nid, up_to)
      LEFT JOIN LATERAL (SELECT p.position
        FROM (SELECT position, event_nid FROM event_positions
          WHERE room_nid = r.nid AND position <= r.up_to ORDER BY position DESC LIMIT ${sql.lit(BUMP_EVENTS)}) AS p
        JOIN events e ON e.event_nid = p.event_nid
        WHERE e.type_nid = ANY(ARRAY(SELECT type_nid FROM event_types WHERE type = ANY(${types})))
        ORDER BY p.position DESC LIMIT 1) AS bump ON true
      LEFT JOIN LATERAL (SELECT min(position) AS position FROM (SELECT position FROM event_positions
          WHERE bump.position IS NULL AND room_nid = r.nid AND position <= r.up_to
          ORDER BY position DESC LIMIT ${sql.lit(BUMP_EVENTS)}) AS looked_at) AS last ON true`;
  }
}
