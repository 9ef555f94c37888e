import type { UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import type { Database } from '../open-database.js';
import type { Membership } from '../room/room-reader.js';

export interface HeroCandidate {
  readonly roomNid: number;
  readonly userId: UserId;
  readonly membership: Membership;
}

/** Finds members by whom a room without a name can be called. */
export class HeroReader {
  constructor(private readonly database: Database) {}

  /**
   * At most `limit` members of each room other than the user, those joined or invited before those who left or are banned,
   * in order of their membership's position.
   */
  async candidates(userId: UserId, roomNids: readonly number[], limit: number): Promise<HeroCandidate[]> {
    if (roomNids.length === 0) return [];
    const { rows } = await sql<HeroCandidate>`
      SELECT r.nid AS "roomNid", k.state_key AS "userId", m.membership
      FROM unnest(${roomNids}::bigint[]) AS r(nid)
      CROSS JOIN LATERAL (SELECT user_nid, membership, membership IN ('join', 'invite') AS present, position
        FROM memberships WHERE room_nid = r.nid AND membership <> 'knock'
          AND user_nid IS DISTINCT FROM (SELECT state_key_nid FROM state_keys WHERE state_key = ${userId})
        ORDER BY present DESC, position LIMIT ${limit}) AS m
      JOIN state_keys k ON k.state_key_nid = m.user_nid
      ORDER BY r.nid, m.present DESC, m.position`.execute(this.database.db);
    return rows;
  }
}
