import type { UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import { EVENT_TYPE_NIDS } from '../schema/event.table.js';
import {
  type MembershipSpan,
  type Presences,
  type SharingChanges,
  sharingChanges,
} from './sharing-changes.js';

/** A stretch of the events stream: `from < position <= to`. */
interface Stretch {
  readonly from: number;
  readonly to: number;
}

interface Pair {
  readonly roomNid: number;
  readonly userNid: number;
}

/** Rooms of a user. */
export interface JoinedRooms {
  /** Those that it is joined to at the end of the stretch. */
  readonly joined: readonly number[];
  /** Those of them in which something happened in the stretch; others among them do no harm. */
  readonly stirred: readonly number[];
  /** False when it is known that nobody's membership of any room changed in the stretch. */
  readonly membersChanged?: boolean;
}

/** Member events that are read and parsed at once. */
const PAGE = 1000;
const MEMBER = EVENT_TYPE_NIDS['m.room.member'];

/** Finds with whom a user came to share a room, or ceased to, from the history of memberships: nothing is kept for it. */
export class SharedRoomReader {
  constructor(private readonly database: Database) {}

  /**
   * With whom the user shares a room at `to` and did not all the time since `from`, and with whom it shared one at `from` and does not now.
   * @see https://spec.matrix.org/v1.19/client-server-api/#e2e-extensions-to-sync
   */
  async changes(userId: UserId, rooms: JoinedRooms, stretch: Stretch): Promise<SharingChanges> {
    const { joined, stirred, membersChanged = true } = rooms;
    if (!membersChanged) return { joined: [], left: [] };

    // 1. Whose membership changed in the user's rooms, and in those that it came to or left.
    const { rows: changes } = await this.memberChangesQuery(userId, stirred, stretch).execute(
      this.database.db,
    );
    const [first] = changes;
    if (first === undefined) return { joined: [], left: [] };
    const moved = changes.flatMap(({ roomNid, userNid, ownNid }) => (userNid === ownNid ? [roomNid] : []));
    const concerned = [...new Set([...joined, ...moved])];

    // 2. Whom that may concern: those who came or went, and everybody in the rooms that the user came to or left.
    const members = await this.membersOf(moved, stretch);
    const users = [...new Set([first.ownNid, ...changes.map(({ userNid }) => userNid), ...members])];

    // 3. Where all of these and the user were, at both ends and between.
    return sharingChanges(userId, await this.presences(users, concerned, stretch));
  }

  /** @internal For the test that looks at its plan. */
  memberChangesQuery(userId: UserId, roomNids: readonly number[], { from, to }: Stretch) {
    return sql<Pair & { ownNid: number }>`
      WITH own AS MATERIALIZED (SELECT state_key_nid AS nid FROM state_keys WHERE state_key = ${userId}),
      looked_at AS (
        SELECT unnest(${roomNids}::bigint[]) AS nid
        UNION
        SELECT m.room_nid FROM own JOIN room_state m ON m.state_key_nid = own.nid
        WHERE m.type_nid = ${sql.lit(MEMBER)} AND m.from_position > ${from} AND m.from_position <= ${to})
      SELECT DISTINCT r.nid AS "roomNid", s.state_key_nid AS "userNid",
        (SELECT nid FROM own) AS "ownNid"
      FROM looked_at r
      CROSS JOIN LATERAL (SELECT state_key_nid FROM room_state
        WHERE room_nid = r.nid AND from_position > ${from} AND from_position <= ${to}
          AND type_nid = ${sql.lit(MEMBER)}) AS s`;
  }

  /** Those who are in the rooms, and those who may have been at the end of the stretch. */
  private async membersOf(roomNids: readonly number[], { to }: Stretch): Promise<number[]> {
    if (roomNids.length === 0) return [];
    const rows = await this.database.db
      .selectFrom('memberships')
      .select('user_nid as userNid')
      .distinct()
      .where('room_nid', '=', anyOf(roomNids))
      .where((or) => or.or([or('membership', '=', 'join'), or('position', '>', to)]))
      .execute();
    return rows.map(({ userNid }) => userNid);
  }

  /** Memberships of users as far as they tell in which of the rooms one was joined. */
  private async presences(
    userNids: readonly number[],
    roomNids: readonly number[],
    stretch: Stretch,
  ): Promise<Presences> {
    const { rows } = await this.membershipsQuery(userNids, roomNids).execute(this.database.db);
    const presences: Presences = new Map();
    const note = (userId: UserId, roomNid: number, spans: readonly MembershipSpan[]) => {
      const ofUser = presences.get(userId);
      if (ofUser) ofUser.set(roomNid, spans);
      else presences.set(userId, new Map([[roomNid, spans]]));
    };
    for (const row of rows) {
      // Unchanged since before the stretch began.
      if (row.position > stretch.from || row.membership !== 'join') continue;
      note(row.userId, row.roomNid, [{ isJoined: true, isAtFrom: true, isAtTo: true }]);
    }
    const changed = rows.filter(({ position }) => position > stretch.from);
    for (let i = 0; i < changed.length; i += PAGE) {
      const page = changed.slice(i, i + PAGE);
      const spans = await this.spansOf(page, stretch);
      for (const { userId, roomNid, userNid } of page)
        note(userId, roomNid, spans.get(`${roomNid} ${userNid}`) ?? []);
    }
    return presences;
  }

  /** @internal For the test that looks at its plan. */
  membershipsQuery(userNids: readonly number[], roomNids: readonly number[]) {
    return sql<Pair & { userId: UserId; membership: string; position: number }>`
      SELECT m.room_nid AS "roomNid", m.user_nid AS "userNid", k.state_key AS "userId", m.membership, m.position
      FROM unnest(${userNids}::bigint[]) AS u(nid)
      JOIN memberships m ON m.user_nid = u.nid
      JOIN unnest(${roomNids}::bigint[]) AS r(nid) ON r.nid = m.room_nid
      JOIN state_keys k ON k.state_key_nid = m.user_nid`;
  }

  private async spansOf(
    pairs: readonly Pair[],
    { from, to }: Stretch,
  ): Promise<Map<string, MembershipSpan[]>> {
    const { rows } = await sql<Pair & { json: string | null; from: number; to: number | null }>`
      SELECT s.room_nid AS "roomNid", s.state_key_nid AS "userNid", e.json, s.from_position AS "from", s.to_position AS "to"
      FROM unnest(${pairs.map(({ roomNid }) => roomNid)}::bigint[], ${pairs.map(({ userNid }) => userNid)}::bigint[])
        AS p (room, member)
      JOIN room_state s ON s.room_nid = p.room AND s.type_nid = ${sql.lit(MEMBER)} AND s.state_key_nid = p.member
      LEFT JOIN events e ON e.event_nid = s.event_nid
      WHERE s.from_position <= ${to} AND (s.to_position IS NULL OR s.to_position > ${from})`.execute(
      this.database.db,
    );
    const spans = rows.map((row) => ({
      key: `${row.roomNid} ${row.userNid}`,
      isJoined: row.json !== null && membershipOf(row.json) === 'join',
      isAtFrom: row.from <= from,
      isAtTo: row.to === null || row.to > to,
    }));
    return Map.groupBy(spans, ({ key }) => key);
  }
}

function membershipOf(json: string): unknown {
  return (JSON.parse(json) as { content?: { membership?: unknown } }).content?.membership;
}
