import type { UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { opaqueArray } from '../any-of.js';
import type { Database } from '../open-database.js';
import { EMPTY_STATE_KEY_NID, EVENT_TYPE_NIDS } from '../schema/event.table.js';

/** What a key of a room's state held from one position until another (excluded; null for still). */
export interface StateSpan {
  readonly roomNid: number;
  readonly type: string;
  readonly stateKey: string;
  /** Null when the key was removed. */
  readonly eventNid: number | null;
  readonly from: number;
  readonly to: number | null;
}

/** Asks for what held at `start` or came into the state after it, up to `end`. */
export interface StateWindow {
  readonly roomNid: number;
  readonly start: number;
  readonly end: number;
}

const MEMBER = EVENT_TYPE_NIDS['m.room.member'];
const SPAN = sql`s.room_nid AS "roomNid", t.type, k.state_key AS "stateKey", s.event_nid AS "eventNid",
  s.from_position AS "from", s.to_position AS "to"`;
const NAMES = sql`JOIN event_types t ON t.type_nid = s.type_nid JOIN state_keys k ON k.state_key_nid = s.state_key_nid`;

/** Reads the state timelines of many rooms at once. */
export class SyncStateReader {
  constructor(private readonly database: Database) {}

  /** The spans of each window that began after `since`. */
  async changes(windows: readonly (StateWindow & { readonly since: number })[]): Promise<StateSpan[]> {
    if (windows.length === 0) return [];
    const numbers = (of: (window: StateWindow & { readonly since: number }) => number) =>
      opaqueArray(windows.map(of), 'bigint');
    const { rows } = await sql<StateSpan>`
      SELECT ${SPAN}
      FROM unnest(${numbers(({ roomNid }) => roomNid)}, ${numbers(({ since }) => since)},
        ${numbers(({ start }) => start)}, ${numbers(({ end }) => end)}) AS w(room, since, start, until)
      JOIN room_state s ON s.room_nid = w.room AND s.from_position > w.since AND s.from_position <= w.until
        AND (s.to_position IS NULL OR s.to_position > w.start)
      ${NAMES}`.execute(this.database.db);
    return rows;
  }

  /**
   * All spans of each window, members only if wanted. What still holds comes from the index of the current state, what
   * was closed after `start` through the changes that closed it: a long history costs nothing.
   */
  async complete(windows: readonly (StateWindow & { readonly members: boolean })[]): Promise<StateSpan[]> {
    if (windows.length === 0) return [];
    const { rows } = await this.completeQuery(windows).execute(this.database.db);
    return rows;
  }

  /** @internal For the test that looks at its plan. */
  completeQuery(windows: readonly (StateWindow & { readonly members: boolean })[]) {
    return sql<StateSpan>`
      WITH w AS (
        SELECT * FROM unnest(${windows.map((window) => window.roomNid)}::bigint[],
          ${windows.map((window) => window.start)}::bigint[], ${windows.map((window) => window.end)}::bigint[],
          ${windows.map((window) => window.members)}::boolean[]) AS w(room, start, until, members)),
      s AS (
        SELECT s.* FROM w JOIN room_state s ON s.room_nid = w.room AND s.to_position IS NULL
          AND s.from_position <= w.until AND (w.members OR s.type_nid <> ${MEMBER})
        UNION ALL
        SELECT s.* FROM w
        JOIN room_state later ON later.room_nid = w.room AND later.from_position > w.start
          AND (w.members OR later.type_nid <> ${MEMBER})
        CROSS JOIN LATERAL (SELECT * FROM room_state s
          WHERE s.room_nid = later.room_nid AND s.type_nid = later.type_nid AND s.state_key_nid = later.state_key_nid
            AND s.from_position < later.from_position
          ORDER BY s.from_position DESC LIMIT 1) AS s
        WHERE s.from_position <= w.until)
      SELECT ${SPAN} FROM s ${NAMES}`;
  }

  /** The member spans of some users in each window. */
  async members(windows: readonly (StateWindow & { readonly userId: UserId })[]): Promise<StateSpan[]> {
    if (windows.length === 0) return [];
    const { rows } = await sql<StateSpan>`
      SELECT s.room_nid AS "roomNid", 'm.room.member' AS type, k.state_key AS "stateKey", s.event_nid AS "eventNid",
        s.from_position AS "from", s.to_position AS "to"
      FROM unnest(${windows.map((window) => window.roomNid)}::bigint[], ${windows.map((window) => window.userId)}::text[],
        ${windows.map((window) => window.start)}::bigint[], ${windows.map((window) => window.end)}::bigint[])
        AS w(room, member, start, until)
      JOIN state_keys k ON k.state_key = w.member
      JOIN room_state s ON s.room_nid = w.room AND s.type_nid = ${MEMBER} AND s.state_key_nid = k.state_key_nid
        AND s.from_position <= w.until AND (s.to_position IS NULL OR s.to_position > w.start)`.execute(
      this.database.db,
    );
    return rows;
  }

  /** Of what the keys `(type, '')` of each room held at `end`, that which events after `since` have redacted. */
  async redactions(
    windows: readonly { readonly roomNid: number; readonly since: number; readonly end: number }[],
    types: readonly string[],
  ): Promise<StateSpan[]> {
    if (windows.length === 0) return [];
    const { rows } = await sql<StateSpan>`
      SELECT ${SPAN}
      FROM unnest(${windows.map((window) => window.roomNid)}::bigint[], ${windows.map((window) => window.since)}::bigint[],
        ${windows.map((window) => window.end)}::bigint[]) AS w(room, since, until)
      JOIN event_types t ON t.type = ANY(${types})
      JOIN room_state s ON s.room_nid = w.room AND s.type_nid = t.type_nid AND s.state_key_nid = ${EMPTY_STATE_KEY_NID}
        AND s.from_position <= w.until AND (s.to_position IS NULL OR s.to_position > w.until)
      JOIN redactions x ON x.redacted_event_nid = s.event_nid
      JOIN event_positions p ON p.event_nid = x.redaction_event_nid AND p.position > w.since AND p.position <= w.until
      JOIN state_keys k ON k.state_key_nid = s.state_key_nid`.execute(this.database.db);
    return rows;
  }

  /** What the keys `(type, '')` of each room held at a position. */
  async singles(
    rooms: readonly { readonly roomNid: number; readonly position: number }[],
    types: readonly string[],
  ): Promise<StateSpan[]> {
    if (rooms.length === 0) return [];
    const { rows } = await sql<StateSpan>`
      SELECT s.room_nid AS "roomNid", t.type, '' AS "stateKey", s.event_nid AS "eventNid",
        s.from_position AS "from", s.to_position AS "to"
      FROM unnest(${rooms.map((room) => room.roomNid)}::bigint[], ${rooms.map((room) => room.position)}::bigint[])
        AS w(room, position)
      JOIN event_types t ON t.type = ANY(${types})
      JOIN room_state s ON s.room_nid = w.room AND s.type_nid = t.type_nid AND s.state_key_nid = ${EMPTY_STATE_KEY_NID}
        AND s.from_position <= w.position AND (s.to_position IS NULL OR s.to_position > w.position)`.execute(
      this.database.db,
    );
    return rows;
  }
}
