import type { UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import { type UserPresence, userPresenceColumns } from '../ephemeral/presence-reader.js';
import type { Database } from '../open-database.js';

/** A presence, where it stands in its stream, and whether it is of a user of this server. */
export interface OutgoingPresence extends UserPresence {
  readonly position: number;
  readonly isLocal: boolean;
}

/** Follows presence for the federation sender. */
export class OutgoingPresenceReader {
  constructor(private readonly database: Database) {}

  /** The next users whose presence changed after a position, those of other servers among them: at least `limit`, and of whole commits. */
  async changes(after: number, limit: number): Promise<OutgoingPresence[]> {
    return this.database.db
      .selectFrom('presence as p')
      .select([...userPresenceColumns, 'p.position', 'p.is_local as isLocal'])
      .where('p.position', '>', after)
      .orderBy('p.position')
      .modifyEnd(sql`FETCH FIRST ${sql.lit(limit)} ROWS WITH TIES`)
      .execute();
  }

  /** The rooms in which the users are: of each at most `limit`, those that they entered last. */
  async roomsOf(
    userIds: readonly UserId[],
    limit: number,
  ): Promise<{ readonly userId: UserId; readonly roomNid: number }[]> {
    const { rows } = await sql<{ userId: UserId; roomNid: number }>`
      SELECT k.state_key AS "userId", m.room_nid AS "roomNid"
      FROM state_keys k CROSS JOIN LATERAL (
        SELECT room_nid FROM memberships WHERE user_nid = k.state_key_nid AND membership = 'join'
        ORDER BY position DESC LIMIT ${limit}) AS m
      WHERE k.state_key = ${anyOf(userIds)}`.execute(this.database.db);
    return rows;
  }

  /** Users of this server in a room who are not offline: at most `limit`, those who were active last. */
  async localIn(roomNid: number, limit: number): Promise<UserPresence[]> {
    return this.database.db
      .selectFrom('presence as p')
      .innerJoin('state_keys as k', 'k.state_key', 'p.user_id')
      .innerJoin('memberships as m', 'm.user_nid', 'k.state_key_nid')
      .select(userPresenceColumns)
      .where('m.room_nid', '=', roomNid)
      .where('m.membership', '=', 'join')
      .where('p.is_local', '=', true)
      .where('p.presence', '<>', 'offline')
      .orderBy('p.last_active_ts', 'desc')
      .limit(limit)
      .execute();
  }
}
