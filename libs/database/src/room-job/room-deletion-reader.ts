import { partitionOf } from '@atoll/contract';
import type { ServerName, UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { serverOf } from '../federation/server-name-sql.js';
import type { Database } from '../open-database.js';

/** What must be known of a room that is being deleted. */
export class RoomDeletionReader {
  /** @param partitions of destinations, fixed at installation */
  constructor(
    private readonly database: Database,
    private readonly serverName: ServerName,
    private readonly partitions: number,
  ) {}

  /** Local users who are joined, invited or knocking, in the order of their numbers, behind one of them. */
  async membersBehind(
    roomNid: number,
    userNid: number,
    limit: number,
  ): Promise<{ userNid: number; userId: UserId }[]> {
    const rows = await this.members(roomNid)
      .select(['m.user_nid as userNid', 'k.state_key as userId'])
      .where('m.user_nid', '>', userNid)
      .orderBy('m.user_nid')
      .limit(limit)
      .execute();
    return rows.map(({ userNid: nid, userId }) => ({ userNid: nid, userId: userId as UserId }));
  }

  /**
   * Whether the other servers in the room, as far as they can be reached, have acknowledged everything of it: the senders of all of them
   * have routed it, and nobody who does not fail is owed any of it. Without a sender, nobody is waited for.
   */
  async isDelivered(roomNid: number): Promise<boolean> {
    const partitions = await this.partitionsOfOthers(roomNid);
    if (partitions.length === 0) return true;
    const { rows } = await sql<{ isDelivered: boolean }>`
      SELECT (NOT EXISTS (SELECT FROM sender_cursors) OR ${partitions.length} = (SELECT count(*) FROM sender_cursors
          WHERE partition = ANY (${partitions}::int[])
            AND position >= (SELECT coalesce(max(position), 0) FROM event_positions WHERE room_nid = ${roomNid})))
        AND NOT EXISTS (
          SELECT FROM destinations d JOIN destination_rooms r ON r.destination = d.destination AND r.room_nid = ${roomNid}
          WHERE r.position > d.sent_position AND d.failing_since IS NULL) AS "isDelivered"`.execute(
      this.database.db,
    );
    return rows[0]?.isDelivered === true;
  }

  /** Of the other servers that are in the room. */
  private async partitionsOfOthers(roomNid: number): Promise<number[]> {
    const { rows } = await sql<{ server: string }>`
      SELECT DISTINCT ${serverOf('k.state_key')} AS server FROM memberships m JOIN state_keys k ON k.state_key_nid = m.user_nid
      WHERE m.room_nid = ${roomNid} AND m.membership = 'join' AND ${serverOf('k.state_key')} <> ${this.serverName}`.execute(
      this.database.db,
    );
    return [...new Set(rows.map(({ server }) => partitionOf(server, this.partitions)))];
  }

  private members(roomNid: number) {
    return this.database.db
      .selectFrom('memberships as m')
      .innerJoin('state_keys as k', 'k.state_key_nid', 'm.user_nid')
      .where('m.room_nid', '=', roomNid)
      .where('m.membership', 'in', ['join', 'invite', 'knock'])
      .where(serverOf('k.state_key'), '=', this.serverName);
  }
}
