import type { EventId } from '@atoll/matrix';
import { stateKey as keyOf } from '@atoll/room-rules';
import { sql } from 'kysely';
import type { Database } from '../open-database.js';

/** One key of a state and the event that holds it. */
export interface HeldKey {
  readonly type: string;
  readonly stateKey: string;
  readonly eventNid: number;
  readonly eventId: EventId;
}

interface OverrideRow {
  basePosition: number;
  /** Null in the row of a link of the chain that overrides nothing. */
  type: string | null;
  stateKey: string | null;
  /** Null where the key is taken away. */
  eventNid: number | null;
  eventId: EventId | null;
}

/** Rows that are read at once, so that a large room does not hold the event loop. */
const PAGE = 2_000;

/** The state before an event: that of the room's timeline just before it, or what is recorded with an event of a fork. */
export class EventStateReader {
  constructor(private readonly database: Database) {}

  /** In no particular order; undefined where it is not known, as with outliers. */
  async before(eventNid: number): Promise<HeldKey[] | undefined> {
    const [event, overrides] = await Promise.all([this.placeOf(eventNid), this.overrides(eventNid)]);
    const basePosition = overrides[0]?.basePosition ?? positionBefore(event?.position ?? null);
    if (event === undefined || basePosition === undefined) return undefined;
    const base = await this.stateAt(event.roomNid, basePosition);
    return overrides.length === 0 ? base : withOverrides(base, overrides);
  }

  private async placeOf(eventNid: number) {
    return this.database.db
      .selectFrom('events as e')
      .leftJoin('event_positions as p', 'p.event_nid', 'e.event_nid')
      .select(['e.room_nid as roomNid', 'p.position'])
      .where('e.event_nid', '=', eventNid)
      .executeTakeFirst();
  }

  /** What the timeline had at a position does not change any more, so that pages fit together. */
  private async stateAt(roomNid: number, position: number): Promise<HeldKey[]> {
    const state: HeldKey[] = [];
    let after: readonly [type: number, key: number] = [0, 0];
    for (;;) {
      const { rows } = await sql<HeldKey & { typeNid: number; keyNid: number }>`
        SELECT t.type, k.state_key AS "stateKey", e.event_nid AS "eventNid", e.event_id AS "eventId",
          s.type_nid AS "typeNid", s.state_key_nid AS "keyNid"
        FROM room_state s JOIN event_types t USING (type_nid) JOIN state_keys k USING (state_key_nid)
        JOIN events e ON e.event_nid = s.event_nid
        WHERE s.room_nid = ${roomNid} AND (s.type_nid, s.state_key_nid) > (${after[0]}, ${after[1]})
          AND s.from_position <= ${position} AND (s.to_position IS NULL OR s.to_position > ${position})
        ORDER BY s.type_nid, s.state_key_nid LIMIT ${PAGE}`.execute(this.database.db);
      for (const { type, stateKey, eventNid, eventId } of rows)
        state.push({ type, stateKey, eventNid, eventId });
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return state;
      after = [last.typeNid, last.keyNid];
    }
  }

  /** The farthest first: its base is that of all, and nearer ones take the place of what it overrides. */
  private async overrides(eventNid: number): Promise<OverrideRow[]> {
    const { rows } = await sql<OverrideRow>`
      WITH RECURSIVE chain AS (
        SELECT base_position, parent_event_nid, overrides, 0 AS distance FROM event_state WHERE event_nid = ${eventNid}
        UNION ALL
        SELECT parent.base_position, parent.parent_event_nid, parent.overrides, distance + 1
        FROM chain JOIN event_state parent ON parent.event_nid = chain.parent_event_nid)
      SELECT base_position AS "basePosition", t.type, k.state_key AS "stateKey", e.event_nid AS "eventNid",
        e.event_id AS "eventId"
      FROM chain LEFT JOIN LATERAL jsonb_array_elements(chain.overrides) AS item ON true
      LEFT JOIN event_types t ON t.type_nid = (item->>0)::int
      LEFT JOIN state_keys k ON k.state_key_nid = (item->>1)::bigint
      LEFT JOIN events e ON e.event_nid = (item->>2)::bigint
      ORDER BY distance DESC`.execute(this.database.db);
    return rows;
  }
}

/** Of backfilled events, which have negative positions, the timeline knows nothing. */
function positionBefore(position: number | null): number | undefined {
  return position !== null && position > 0 ? position - 1 : undefined;
}

function withOverrides(base: readonly HeldKey[], overrides: readonly OverrideRow[]): HeldKey[] {
  const state = new Map(base.map((held) => [keyOf(held.type, held.stateKey), held]));
  for (const { type, stateKey, eventNid, eventId } of overrides) {
    if (type === null || stateKey === null) continue;
    if (eventNid === null || eventId === null) state.delete(keyOf(type, stateKey));
    else state.set(keyOf(type, stateKey), { type, stateKey, eventNid, eventId });
  }
  return [...state.values()];
}
