import type { UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import type { Database } from '../open-database.js';
import type { MemberCounts, Membership } from '../room/room-reader.js';
import { EVENT_TYPE_NIDS } from '../schema/event.table.js';
import { UNDECODABLE } from '../undecodable.js';
import type { HeroCandidate } from './hero-reader.js';

/** Who was in a room. */
export interface PastMembers extends MemberCounts {
  /** As {@link HeroReader.candidates} gives them. */
  readonly candidates: readonly HeroCandidate[];
}

interface MemberRow {
  readonly roomNid: number;
  readonly joined: number;
  readonly invited: number;
  /** user, membership */
  readonly heroes: readonly [UserId, Membership][] | null;
}

/** Tells of rooms as they were at a position, for those who may know no more. */
export class PastMemberReader {
  constructor(private readonly database: Database) {}

  /**
   * The members at the end of each room, by room nid. Memberships that are as they were come from those of now, only the others from the
   * state of then; there a member event that PostgreSQL cannot decode counts as none.
   * @param limit of the candidates, all others than the user
   */
  async at(
    userId: UserId,
    rooms: readonly { readonly roomNid: number; readonly end: number }[],
    limit: number,
  ): Promise<Map<number, PastMembers>> {
    if (rooms.length === 0) return new Map();
    const { rows } = await sql<MemberRow>`
      SELECT w.room AS "roomNid", members.joined, members.invited, members.heroes
      FROM unnest(${rooms.map(({ roomNid }) => roomNid)}::bigint[], ${rooms.map(({ end }) => end)}::bigint[]) AS w(room, until)
      CROSS JOIN LATERAL (
        WITH m AS (
          SELECT user_nid, membership, position FROM memberships
          WHERE room_nid = w.room AND position <= w.until
          UNION ALL
          SELECT now.user_nid, CASE WHEN e.json !~* ${UNDECODABLE} THEN e.json::json->'content'->>'membership' END, s.from_position
          FROM memberships now
          JOIN room_state s ON s.room_nid = w.room AND s.type_nid = ${EVENT_TYPE_NIDS['m.room.member']}
            AND s.state_key_nid = now.user_nid AND s.from_position <= w.until AND (s.to_position IS NULL OR s.to_position > w.until)
          JOIN events e ON e.event_nid = s.event_nid
          WHERE now.room_nid = w.room AND now.position > w.until)
        SELECT count(*) FILTER (WHERE membership = 'join') AS joined,
          count(*) FILTER (WHERE membership = 'invite') AS invited,
          (SELECT json_agg(json_build_array(k.state_key, h.membership) ORDER BY h.present DESC, h.position)
            FROM (SELECT user_nid, membership, membership IN ('join', 'invite') AS present, position
              FROM m WHERE membership IN ('join', 'invite', 'leave', 'ban')
                AND user_nid IS DISTINCT FROM (SELECT state_key_nid FROM state_keys WHERE state_key = ${userId})
              ORDER BY present DESC, position LIMIT ${limit}) AS h
            JOIN state_keys k ON k.state_key_nid = h.user_nid) AS heroes
        FROM m) AS members`.execute(this.database.db);
    return new Map(
      rows.map(({ roomNid, joined, invited, heroes }) => {
        const candidates = (heroes ?? []).map(([hero, membership]) => ({
          roomNid,
          userId: hero,
          membership,
        }));
        return [roomNid, { joined, invited, candidates }];
      }),
    );
  }
}
