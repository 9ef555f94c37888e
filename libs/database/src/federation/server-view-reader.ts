import type { ServerName } from '@atoll/matrix';
import { sql } from 'kysely';
import type { Database } from '../open-database.js';
import { EMPTY_STATE_KEY_NID, EVENT_TYPE_NIDS } from '../schema/event.table.js';
import { eventJson } from './event-json.js';
import { serverOf } from './server-name-sql.js';

/** What the state before an event says about how much of it a server may see. */
export interface ServerView {
  /** As the event has it, unchecked; null without one. */
  readonly historyVisibility: string | null;
  /** Whether a user of the server was joined; only looked up where the setting makes a difference. */
  readonly isJoined: boolean;
  /** The same for an invited user. */
  readonly isInvited: boolean;
}

const MEMBER = EVENT_TYPE_NIDS['m.room.member'];
const HISTORY_VISIBILITY = EVENT_TYPE_NIDS['m.room.history_visibility'];

/** Reads what decides whether a server may see events. */
export class ServerViewReader {
  constructor(private readonly database: Database) {}

  /** By event nid, for events of one room; without an entry, the state before the event is not known. */
  async before(
    serverName: ServerName,
    roomNid: number,
    eventNids: readonly number[],
  ): Promise<Map<number, ServerView>> {
    const { rows } = await this.beforeQuery(serverName, roomNid, eventNids).execute(this.database.db);
    return new Map(rows.map(({ eventNid, ...view }) => [eventNid, view]));
  }

  /**
   * @internal One statement, from the states' bases (see `EventStateReader`) and the overrides of two event types. The users of the
   * server that were ever in the room are found once; then each event looks up them alone.
   */
  beforeQuery(serverName: ServerName, roomNid: number, eventNids: readonly number[]) {
    const hasUserWith = (membership: string) => sql`
      (v.value IN ('invited', 'joined') AND EXISTS (
        SELECT FROM users u CROSS JOIN LATERAL (${holder(sql`b.event_nid`, sql`b.position`, roomNid, MEMBER, sql`u.user_nid`)}) h
        JOIN events e ON e.event_nid = h.event_nid
        WHERE ${eventJson('e.json')}->'content'->>'membership' = ${membership}))`;
    return sql<{ eventNid: number } & ServerView>`
      WITH RECURSIVE chain AS (
        SELECT event_nid, base_position, parent_event_nid, overrides, 0 AS distance
        FROM event_state WHERE event_nid = ANY(${eventNids}::bigint[])
        UNION ALL
        SELECT chain.event_nid, parent.base_position, parent.parent_event_nid, parent.overrides, distance + 1
        FROM chain JOIN event_state parent ON parent.event_nid = chain.parent_event_nid),
      override AS MATERIALIZED (
        SELECT DISTINCT ON (chain.event_nid, o.type_nid, o.key_nid) chain.event_nid, o.*
        FROM chain CROSS JOIN LATERAL (
          SELECT (item->>0)::int AS type_nid, (item->>1)::bigint AS key_nid, (item->>2)::bigint AS holder_nid
          FROM jsonb_array_elements(chain.overrides) AS item) o
        WHERE o.type_nid IN (${MEMBER}, ${HISTORY_VISIBILITY})
        ORDER BY chain.event_nid, o.type_nid, o.key_nid, distance),
      base AS MATERIALIZED (
        SELECT e.event_nid, coalesce(
          (SELECT base_position FROM chain WHERE chain.event_nid = e.event_nid ORDER BY distance DESC LIMIT 1),
          CASE WHEN p.position > 0 THEN p.position - 1 END) AS position
        FROM events e LEFT JOIN event_positions p ON p.event_nid = e.event_nid
        WHERE e.event_nid = ANY(${eventNids}::bigint[])),
      users AS MATERIALIZED (
        SELECT m.user_nid FROM memberships m JOIN state_keys k ON k.state_key_nid = m.user_nid
        WHERE m.room_nid = ${roomNid} AND ${serverOf('k.state_key')} = ${serverName})
      SELECT b.event_nid AS "eventNid", v.value AS "historyVisibility",
        coalesce(${hasUserWith('join')}, false) AS "isJoined", coalesce(${hasUserWith('invite')}, false) AS "isInvited"
      FROM base b LEFT JOIN LATERAL (
        SELECT ${eventJson('e.json')}->'content'->>'history_visibility' AS value
        FROM (${holder(sql`b.event_nid`, sql`b.position`, roomNid, HISTORY_VISIBILITY, sql`${EMPTY_STATE_KEY_NID}::bigint`)}) h
        JOIN events e ON e.event_nid = h.event_nid) v ON true
      WHERE b.position IS NOT NULL`;
  }
}

/** SQL of who holds a key in the state before an event: the override's, which may be nobody, else the base's. */
function holder(
  event: ReturnType<typeof sql>,
  position: ReturnType<typeof sql>,
  roomNid: number,
  typeNid: number,
  key: ReturnType<typeof sql>,
) {
  return sql`
    SELECT holder_nid AS event_nid FROM override o
    WHERE o.event_nid = ${event} AND o.type_nid = ${typeNid} AND o.key_nid = ${key}
    UNION ALL
    SELECT s.event_nid FROM room_state s
    WHERE s.room_nid = ${roomNid} AND s.type_nid = ${typeNid} AND s.state_key_nid = ${key}
      AND s.from_position <= ${position} AND (s.to_position IS NULL OR s.to_position > ${position})
      AND NOT EXISTS (SELECT FROM override o
        WHERE o.event_nid = ${event} AND o.type_nid = ${typeNid} AND o.key_nid = ${key})`;
}
