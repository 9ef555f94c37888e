import type { RoomId, UserId } from '@atoll/matrix';
import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../open-database.js';
import { EMPTY_STATE_KEY_NID } from '../schema/event.table.js';
import { UNDECODABLE } from '../undecodable.js';

/** Who of this server's users is a guest, and which guests are in rooms that no longer have any. */
export class GuestReader {
  constructor(private readonly database: Database) {}

  async isGuest(userId: UserId): Promise<boolean> {
    const row = await this.database.db
      .selectFrom('users')
      .select('is_guest')
      .where('user_id', '=', userId)
      .executeTakeFirst();
    return row?.is_guest === true;
  }

  /** Rooms of these partitions in which guests are joined and may not be. */
  async roomsToLeave(partitions: readonly number[], limit: number): Promise<RoomId[]> {
    const { rows } = await sql<{ roomId: RoomId }>`
      SELECT r.room_id AS "roomId" FROM ${STAYS} JOIN rooms r ON r.room_nid = m.room_nid
      WHERE u.is_guest AND r.partition = ANY (${partitions}::int[])
      GROUP BY r.room_nid HAVING NOT ${allowsGuests(sql`r.room_nid`)} LIMIT ${limit}`.execute(
      this.database.db,
    );
    return rows.map(({ roomId }) => roomId);
  }

  /** Guests who are joined to the room and may not be, in the order of their numbers, behind one of them. */
  async guestsToLeave(
    roomId: RoomId,
    behind: number,
    limit: number,
  ): Promise<{ userNid: number; userId: UserId }[]> {
    const { rows } = await sql<{ userNid: number; userId: UserId }>`
      SELECT m.user_nid AS "userNid", u.user_id AS "userId" FROM ${STAYS} JOIN rooms r ON r.room_nid = m.room_nid
      WHERE u.is_guest AND r.room_id = ${roomId} AND m.user_nid > ${behind} AND NOT ${allowsGuests(sql`r.room_nid`)}
      ORDER BY m.user_nid LIMIT ${limit}`.execute(this.database.db);
    return rows;
  }
}

/** Local users in rooms. */
const STAYS = sql`users u JOIN state_keys k ON k.state_key = u.user_id
  JOIN memberships m ON m.user_nid = k.state_key_nid AND m.membership = 'join'`;

/** Whether the room's state lets guests in; a redacted event says nothing, and neither does what PostgreSQL cannot decode. */
function allowsGuests(roomNid: RawBuilder<unknown>) {
  return sql`EXISTS (
    SELECT FROM room_state s JOIN event_types t USING (type_nid) JOIN events e USING (event_nid)
    WHERE s.room_nid = ${roomNid} AND t.type = 'm.room.guest_access' AND s.state_key_nid = ${EMPTY_STATE_KEY_NID}
      AND s.to_position IS NULL
      AND NOT EXISTS (SELECT FROM redactions x WHERE x.redacted_event_nid = e.event_nid)
      AND CASE WHEN e.json !~* ${UNDECODABLE} THEN e.json::json->'content'->>'guest_access' END = 'can_join')`;
}
