import type { ServerName } from '@atoll/matrix';
import { sql } from 'kysely';
import type { Database } from '../open-database.js';
import { EVENT_STATUS, EVENT_TYPE_NIDS } from '../schema/event.table.js';
import { serverOf } from './server-name-sql.js';

/** Rooms that one look goes into. */
const MAX_ROOMS = 100;
/** Events of a room that are sent late; of more, only the newest is sent, and the peer asks for those before it. */
const MAX_EVENTS = 50;
/** Events of a room, whoever sent them, among which it looks. */
const MAX_TIMELINE = 250;

/** One event that is owed to a server. */
export interface OwedEvent {
  readonly position: number;
  readonly eventNid: number;
}

export interface MissedEvents {
  /** In the order of their positions. */
  readonly events: readonly OwedEvent[];
  /** When these are acknowledged, so is everything up to here. */
  readonly upTo: number;
  /** There is more: look again when these are acknowledged. */
  readonly isTruncated: boolean;
}

interface Row {
  readonly roomNid: number;
  /** The newest event of the room that is meant for the server. */
  readonly newest: number;
  readonly position: number | null;
  readonly eventNid: number | null;
}

/** Finds what a server has not been sent while it, or this server, was away. */
export class MissedEventsReader {
  constructor(
    private readonly database: Database,
    private readonly serverName: ServerName,
  ) {}

  /**
   * What a destination has not acknowledged, bounded: in each room the events of the newest stretch throughout which nothing changed for it
   * (no user of it came or went, the server ACL stayed), if there are at most 50; else the newest one. With more than 100
   * rooms, the newest one of each of the first 100.
   */
  async of(destination: ServerName): Promise<MissedEvents> {
    const { rows } = await this.query(destination).execute(this.database.db);
    const byRoom = Map.groupBy(rows, ({ roomNid }) => roomNid);
    const rooms = [...byRoom.values()].slice(0, MAX_ROOMS);
    const isTruncated = byRoom.size > MAX_ROOMS;
    const events = rooms.flatMap((missed) =>
      // The newest comes first.
      owedOf(isTruncated || missed.length > MAX_EVENTS ? missed.slice(0, 1) : missed),
    );
    events.sort((a, b) => a.position - b.position);
    return { events, upTo: Math.max(0, ...rooms.map(([row]) => row?.newest ?? 0)), isTruncated };
  }

  /** @internal For the test that looks at its plan. */
  query(destination: ServerName) {
    return sql<Row>`
      WITH pending AS (
        SELECT r.room_nid, r.position AS newest, GREATEST(d.sent_position, (
            SELECT position FROM event_positions WHERE room_nid = r.room_nid AND position <= r.position
            ORDER BY position DESC OFFSET ${MAX_TIMELINE} LIMIT 1)) AS bound
        FROM destinations d JOIN destination_rooms r ON r.destination = d.destination AND r.position > d.sent_position
        WHERE d.destination = ${destination}
        ORDER BY r.position LIMIT ${MAX_ROOMS + 1}),
      stretches AS (
        SELECT p.*, GREATEST(bound, (
            SELECT max(s.from_position) - 1 FROM room_state s JOIN state_keys k ON k.state_key_nid = s.state_key_nid
            WHERE s.room_nid = p.room_nid AND s.from_position > p.bound AND s.from_position <= p.newest
              AND (s.type_nid = ${EVENT_TYPE_NIDS['m.room.member']} AND ${serverOf('k.state_key')} = ${destination}
                OR s.type_nid = (SELECT type_nid FROM event_types WHERE type = 'm.room.server_acl')))) AS since
        FROM pending p)
      SELECT s.room_nid AS "roomNid", s.newest, o.position, o.event_nid AS "eventNid"
      FROM stretches s LEFT JOIN LATERAL (
        SELECT p.position, p.event_nid FROM (
          -- Apart, and compared as rows, so that the index by room is used: other rooms may have any number of events in between.
          SELECT position, event_nid FROM event_positions
          WHERE room_nid = s.room_nid AND (room_nid, position) > (s.room_nid, s.since)
            AND (room_nid, position) <= (s.room_nid, s.newest)
          OFFSET 0) AS p
        JOIN events e ON e.event_nid = p.event_nid AND e.status = ${EVENT_STATUS.accepted}
        JOIN state_keys k ON k.state_key_nid = e.sender_nid
        LEFT JOIN forwarded_events f ON f.event_nid = p.event_nid
        WHERE (${serverOf('k.state_key')} = ${this.serverName} OR f.event_nid IS NOT NULL)
          AND ${serverOf('k.state_key')} <> ${destination}
        ORDER BY p.position DESC LIMIT ${MAX_EVENTS + 1}) AS o ON true
      ORDER BY s.newest, o.position DESC`;
  }
}

function owedOf(rows: readonly Row[]): OwedEvent[] {
  return rows.flatMap(({ position, eventNid }) =>
    position === null || eventNid === null ? [] : [{ position, eventNid }],
  );
}
