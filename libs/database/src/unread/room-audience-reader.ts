import { type Pdu, type ServerName, serverNameOf, type UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import { serverOf } from '../federation/server-name-sql.js';
import type { Database } from '../open-database.js';
import { EVENT_TYPE_NIDS } from '../schema/event.table.js';

/** A user of this server who is in a room. */
export interface LocalMember {
  readonly userNid: number;
  readonly userId: UserId;
  readonly displayName?: string | undefined;
}

/** Who is in a room. */
export interface RoomAudienceRecord {
  readonly local: readonly LocalMember[];
  /** All of them, those of other servers among them. */
  readonly memberCount: number;
}

/** Somebody's membership of a room changed, or only the name. */
export interface AudienceChange extends LocalMember {
  readonly roomNid: number;
  readonly position: number;
  readonly wasJoined: boolean;
  readonly isJoined: boolean;
}

interface MemberRow {
  readonly userNid: number;
  readonly userId: UserId;
  readonly json: string | null;
}

const MEMBER = EVENT_TYPE_NIDS['m.room.member'];

/** Reads who is in rooms and may be notified of what happens there. */
export class RoomAudienceReader {
  constructor(
    private readonly database: Database,
    private readonly serverName: ServerName,
  ) {}

  /** As of a position: those who have come or gone since are read from the room's history. */
  async at(roomNid: number, position: number): Promise<RoomAudienceRecord> {
    const snapshot = this.database.db
      .transaction()
      .setIsolationLevel('repeatable read')
      .setAccessMode('read only');
    return snapshot.execute(async (trx) => {
      const { rows: remote } = await sql<{ count: number }>`
        SELECT count(*) AS count FROM memberships m JOIN state_keys k ON k.state_key_nid = m.user_nid
        WHERE m.room_nid = ${roomNid} AND m.membership = 'join' AND m.position <= ${position}
          AND NOT ${this.isLocal()}`.execute(trx);
      const { rows: local } = await sql<MemberRow>`
        SELECT m.user_nid AS "userNid", k.state_key AS "userId", e.json
        FROM memberships m JOIN state_keys k ON k.state_key_nid = m.user_nid JOIN events e ON e.event_nid = m.event_nid
        WHERE m.room_nid = ${roomNid} AND m.membership = 'join' AND m.position <= ${position}
          AND ${this.isLocal()}`.execute(trx);
      const { rows: earlier } = await sql<MemberRow>`
        SELECT m.user_nid AS "userNid", k.state_key AS "userId", e.json
        FROM memberships m JOIN state_keys k ON k.state_key_nid = m.user_nid
        JOIN room_state s ON s.room_nid = m.room_nid AND s.type_nid = ${MEMBER} AND s.state_key_nid = m.user_nid
          AND s.from_position <= ${position} AND (s.to_position IS NULL OR s.to_position > ${position})
        JOIN events e ON e.event_nid = s.event_nid
        WHERE m.room_nid = ${roomNid} AND m.position > ${position}`.execute(trx);
      const then = earlier.map(toMember).filter(({ isJoined }) => isJoined);
      const members = [...local.map(toMember), ...then];
      const localMembers = members.filter(({ userId }) => serverNameOf(userId) === this.serverName);
      return {
        local: localMembers,
        memberCount: (remote[0]?.count ?? 0) + members.length,
      };
    });
  }

  /** The changes in rooms at positions after `from` up to `to`, in order. */
  async changes(roomNids: readonly number[], from: number, to: number): Promise<AudienceChange[]> {
    const { rows } = await sql<MemberRow & { roomNid: number; position: number; before: string | null }>`
      SELECT s.from_position AS position, s.room_nid AS "roomNid", s.state_key_nid AS "userNid", k.state_key AS "userId",
        e.json, replaced.json AS before
      FROM event_positions p
      JOIN room_state s ON s.room_nid = p.room_nid AND s.from_position = p.position AND s.type_nid = ${MEMBER}
      JOIN state_keys k ON k.state_key_nid = s.state_key_nid
      LEFT JOIN events e ON e.event_nid = s.event_nid
      LEFT JOIN room_state b ON b.room_nid = s.room_nid AND b.type_nid = s.type_nid AND b.state_key_nid = s.state_key_nid
        AND b.to_position = s.from_position
      LEFT JOIN events replaced ON replaced.event_nid = b.event_nid
      WHERE p.position > ${from} AND p.position <= ${to} AND p.room_nid = ${anyOf(roomNids)}
      ORDER BY s.from_position`.execute(this.database.db);
    return rows.map(({ before, position, roomNid, ...row }) => {
      return { ...toMember(row), position, roomNid, wasJoined: toMember({ ...row, json: before }).isJoined };
    });
  }

  private isLocal() {
    return sql<boolean>`${serverOf('k.state_key')} = ${this.serverName}`;
  }
}

function toMember({ userNid, userId, json }: MemberRow): LocalMember & { isJoined: boolean } {
  const { content } = JSON.parse(json ?? '{"content":{}}') as Pdu;
  const { displayname, membership } = content;
  return {
    userNid,
    userId,
    isJoined: membership === 'join',
    ...(typeof displayname === 'string' && { displayName: displayname }),
  };
}
