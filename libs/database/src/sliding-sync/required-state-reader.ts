import { sql } from 'kysely';
import type { Database } from '../open-database.js';
import type { StateSpan } from '../sync/sync-state-reader.js';

/** A room's state at a position. */
export interface RoomPoint {
  readonly roomNid: number;
  readonly position: number;
}

const SPAN = sql`s.room_nid AS "roomNid", t.type, k.state_key AS "stateKey", s.event_nid AS "eventNid",
  s.from_position AS "from", s.to_position AS "to"`;

/** Reads the parts of many rooms' states that clients ask for by name. */
export class RequiredStateReader {
  constructor(private readonly database: Database) {}

  /** What the keys held at each point. */
  async ofKeys(
    points: readonly RoomPoint[],
    keys: readonly { readonly type: string; readonly stateKey: string }[],
  ): Promise<StateSpan[]> {
    if (points.length === 0 || keys.length === 0) return [];
    const { rows } = await sql<StateSpan>`
      WITH w AS (${unnestPoints(points)}),
      t AS (SELECT t.type_nid, t.type, k.state_key_nid, k.state_key
        FROM unnest(${keys.map(({ type }) => type)}::text[], ${keys.map(({ stateKey }) => stateKey)}::text[]) AS key(type, state_key)
        JOIN event_types t ON t.type = key.type JOIN state_keys k ON k.state_key = key.state_key)
      SELECT s.room_nid AS "roomNid", t.type, t.state_key AS "stateKey", s.event_nid AS "eventNid",
        s.from_position AS "from", s.to_position AS "to"
      FROM w CROSS JOIN t
      JOIN room_state s ON s.room_nid = w.room AND s.type_nid = t.type_nid AND s.state_key_nid = t.state_key_nid
        AND s.from_position <= w.position AND (s.to_position IS NULL OR s.to_position > w.position)`.execute(
      this.database.db,
    );
    return rows;
  }

  /**
   * What all keys of the types held at each point. What still holds comes from the index of the current state, what was closed since
   * through the changes that closed it.
   */
  async ofTypes(points: readonly RoomPoint[], types: readonly string[]): Promise<StateSpan[]> {
    if (points.length === 0 || types.length === 0) return [];
    const { rows } = await this.ofTypesQuery(points, types).execute(this.database.db);
    return rows;
  }

  /** @internal For the test that looks at its plan. */
  ofTypesQuery(points: readonly RoomPoint[], types: readonly string[]) {
    return sql<StateSpan>`
      WITH w AS (${unnestPoints(points)}),
      t AS (SELECT type_nid, type FROM event_types WHERE type = ANY(${types})),
      s AS (
        SELECT s.* FROM w CROSS JOIN t
        JOIN room_state s ON s.room_nid = w.room AND s.type_nid = t.type_nid AND s.to_position IS NULL
          AND s.from_position <= w.position
        UNION ALL
        SELECT s.* FROM w
        JOIN room_state later ON later.room_nid = w.room AND later.from_position > w.position
        JOIN t ON t.type_nid = later.type_nid
        JOIN room_state s ON s.room_nid = later.room_nid AND s.type_nid = later.type_nid
          AND s.state_key_nid = later.state_key_nid AND s.from_position <= w.position AND s.to_position = later.from_position)
      SELECT ${SPAN} FROM s JOIN event_types t ON t.type_nid = s.type_nid JOIN state_keys k ON k.state_key_nid = s.state_key_nid`;
  }
}

function unnestPoints(points: readonly RoomPoint[]) {
  return sql`SELECT * FROM unnest(${points.map(({ roomNid }) => roomNid)}::bigint[],
    ${points.map(({ position }) => position)}::bigint[]) AS w(room, position)`;
}
