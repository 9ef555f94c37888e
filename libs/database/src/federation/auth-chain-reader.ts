import { sql } from 'kysely';
import type { Database } from '../open-database.js';
import { eventJson } from './event-json.js';

/**
 * The events by which others are authorised, and those by which these are, and so on. Only events of the same room count.
 * @see https://spec.matrix.org/v1.19/server-server-api/#auth-chain
 */
export class AuthChainReader {
  constructor(private readonly database: Database) {}

  /** The chain of the events without the events themselves, each once, in no particular order. */
  async of(eventNids: readonly number[]): Promise<number[]> {
    const given = new Set(eventNids);
    return (await this.full(eventNids)).filter((eventNid) => !given.has(eventNid));
  }

  /** The chain with those of the events that others of them are authorised by. */
  async full(eventNids: readonly number[]): Promise<number[]> {
    const { rows } = await this.fullQuery(eventNids).execute(this.database.db);
    return rows.map(({ eventNid }) => eventNid);
  }

  /**
   * @internal By ids, so that an event which many others cite is read once. The LIMITs change no result: they keep PostgreSQL, which
   * overrates the arrays, from reading the whole table.
   */
  fullQuery(eventNids: readonly number[]) {
    const reference = sql`coalesce(reference->>0, reference#>>'{}')`;
    return sql<{ eventNid: number }>`
      WITH RECURSIVE chain (event_id, room_nid) AS (
        SELECT ${reference}, e.room_nid
        FROM events e CROSS JOIN LATERAL json_array_elements(${eventJson('e.json')}->'auth_events') AS reference
        WHERE e.event_nid = ANY(${eventNids}::bigint[])
        UNION
        SELECT ${reference}, chain.room_nid
        FROM chain CROSS JOIN LATERAL (
          SELECT json FROM events WHERE event_id = chain.event_id AND room_nid = chain.room_nid LIMIT 1) AS e
        CROSS JOIN LATERAL json_array_elements(${eventJson('e.json')}->'auth_events') AS reference)
      SELECT e.event_nid AS "eventNid"
      FROM chain CROSS JOIN LATERAL (
        SELECT event_nid FROM events WHERE event_id = chain.event_id AND room_nid = chain.room_nid LIMIT 1) AS e`;
  }
}
