import type { ServerName, UserId } from '@atoll/matrix';
import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../open-database.js';
import { EMPTY_STATE_KEY_NID, EVENT_TYPE_NIDS } from '../schema/event.table.js';
import { serverOf } from './server-name-sql.js';

const MEMBER = EVENT_TYPE_NIDS['m.room.member'];
const SERVER_ACL = sql<number>`(SELECT type_nid FROM event_types WHERE type = 'm.room.server_acl')`;

/** An event of the stream, and what decides whether it is sent to other servers. */
export interface StreamedEvent {
  readonly position: number;
  readonly eventNid: number;
  readonly roomNid: number;
  readonly sender: UserId;
  /** It is another server's event that this server brings to the rest of its room. */
  readonly isForwarded: boolean;
}

/** What changed at a position in who is sent the events of a room: a user's membership, or the server ACL. */
export interface RoomServersChange {
  readonly position: number;
  readonly roomNid: number;
  /** The member; null for the server ACL. */
  readonly userId: UserId | null;
  /** The texts of the events that hold the key from the position on and until then; null for none. */
  readonly after: string | null;
  readonly before: string | null;
}

/** Who is in a room now, and how it came to be so. */
export interface RoomServersHistory {
  /** How many users of each server are joined. */
  readonly joined: ReadonlyMap<ServerName, number>;
  /** The text of the server ACL event. */
  readonly serverAcl: string | null;
  /** Every change after the position asked for, the newest first: undoing them leads back to it. */
  readonly changes: readonly RoomServersChange[];
}

/** Reads the events stream as the federation sender sees it. */
export class OutgoingEventReader {
  constructor(private readonly database: Database) {}

  /** The next events of the stream after a position, in order. */
  async after(position: number, limit: number): Promise<StreamedEvent[]> {
    const { rows } = await sql<StreamedEvent>`
      SELECT p.position, p.event_nid AS "eventNid", p.room_nid AS "roomNid", k.state_key AS sender,
        f.event_nid IS NOT NULL AS "isForwarded"
      FROM (SELECT * FROM event_positions WHERE position > ${position} ORDER BY position LIMIT ${limit}) AS p
      JOIN events e ON e.event_nid = p.event_nid
      JOIN state_keys k ON k.state_key_nid = e.sender_nid
      LEFT JOIN forwarded_events f ON f.event_nid = p.event_nid
      ORDER BY p.position`.execute(this.database.db);
    return rows;
  }

  /** The changes at positions after `from` up to `to`, of all rooms, in order. */
  async changes(from: number, to: number): Promise<RoomServersChange[]> {
    const stretch = sql`SELECT position, room_nid FROM event_positions WHERE position > ${from} AND position <= ${to}`;
    const { rows } = await this.changesIn(stretch).execute(this.database.db);
    return rows;
  }

  /** The changes of one room at positions after `from` up to `to`, in order. */
  async roomChanges(roomNid: number, from: number, to: number): Promise<RoomServersChange[]> {
    const stretch = sql`SELECT position, room_nid FROM event_positions
      WHERE room_nid = ${roomNid} AND position > ${from} AND position <= ${to}`;
    const { rows } = await this.changesIn(stretch).execute(this.database.db);
    return rows;
  }

  /** Counts the servers in a room as it is now, once; in one snapshot with the changes since a position. */
  async roomServersSince(roomNid: number, position: number): Promise<RoomServersHistory> {
    const snapshot = this.database.db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only');
    return snapshot.execute(async (trx) => {
      const joined = await trx
        .selectFrom('memberships as m')
        .innerJoin('state_keys as k', 'k.state_key_nid', 'm.user_nid')
        .select(({ fn }) => [
          serverOf('k.state_key').$castTo<ServerName>().as('server'),
          fn.countAll<number>().as('users'),
        ])
        .where('m.room_nid', '=', roomNid)
        .where('m.membership', '=', 'join')
        .groupBy('server')
        .execute();
      const acl = await trx
        .selectFrom('room_state as s')
        .innerJoin('events as e', 'e.event_nid', 's.event_nid')
        .select('e.json')
        .where('s.room_nid', '=', roomNid)
        .where('s.type_nid', '=', SERVER_ACL)
        .where('s.state_key_nid', '=', EMPTY_STATE_KEY_NID)
        .where('s.to_position', 'is', null)
        .executeTakeFirst();
      const stretch = sql`SELECT position, room_nid FROM event_positions WHERE room_nid = ${roomNid} AND position > ${position}`;
      const { rows } = await this.changesIn(stretch).execute(trx);
      return {
        joined: new Map(joined.map(({ server, users }) => [server, users])),
        serverAcl: acl?.json ?? null,
        changes: rows.reverse(),
      };
    });
  }

  private changesIn(stretch: RawBuilder<unknown>): RawBuilder<RoomServersChange> {
    return sql`
      SELECT s.from_position AS position, s.room_nid AS "roomNid",
        CASE WHEN s.type_nid = ${MEMBER} THEN k.state_key END AS "userId", e.json AS after, replaced.json AS before
      FROM (${stretch}) AS p
      JOIN room_state s ON s.room_nid = p.room_nid AND s.from_position = p.position
        AND (s.type_nid = ${MEMBER} OR s.type_nid = ${SERVER_ACL} AND s.state_key_nid = ${EMPTY_STATE_KEY_NID})
      JOIN state_keys k ON k.state_key_nid = s.state_key_nid
      LEFT JOIN events e ON e.event_nid = s.event_nid
      LEFT JOIN room_state b ON b.room_nid = s.room_nid AND b.type_nid = s.type_nid AND b.state_key_nid = s.state_key_nid
        AND b.to_position = s.from_position
      LEFT JOIN events replaced ON replaced.event_nid = b.event_nid
      ORDER BY s.from_position`;
  }
}
