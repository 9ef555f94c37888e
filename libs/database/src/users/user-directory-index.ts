import type { Transaction } from 'kysely';
import { sql } from 'kysely';
import type { Database } from '../open-database.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { EVENT_TYPE_NIDS } from '../schema/event.table.js';
import { type FollowingIndex, type IndexStep, lockCursor } from '../search/index-cursor.js';
import { writeDirectoryEntries } from './directory-entries.js';
import { nextRoomToGoThrough, writeDirectoryRooms } from './directory-rooms.js';

/** Events of one step. */
const BATCH = 200;
/** Members of one step through a room. */
const MEMBERS = 200;

type Trx = Transaction<DatabaseSchema>;

interface PageRow {
  readonly position: number;
  readonly roomNid: number;
  /** Of a member event, and of what redacts one: whose it is. */
  readonly userNid: number | null;
}

/** Keeps `user_directory` and `directory_rooms`: follows member events, and goes through rooms whose state came or changed as a whole. */
export class UserDirectoryIndex implements FollowingIndex {
  readonly name = 'user_directory';

  constructor(private readonly database: Database) {}

  async isBehind(): Promise<boolean> {
    const { rows } = await sql<{ isBehind: boolean }>`
      SELECT EXISTS (SELECT FROM event_positions p WHERE p.position > c.position)
        OR EXISTS (SELECT FROM directory_rooms WHERE next_user_nid IS NOT NULL) AS "isBehind"
      FROM index_cursors c WHERE c.name = ${this.name}`.execute(this.database.db);
    return rows[0]?.isBehind ?? false;
  }

  /**
   * Goes forward, and on through the members of one room: what a page has to say of rooms that are not large takes effect with it, however
   * long the stream is.
   */
  step(): Promise<IndexStep> {
    return this.database.db.transaction().execute(async (trx) => {
      const cursor = await lockCursor(trx, this.name);
      if (cursor === undefined) return 'busy';
      const page = await read(trx, cursor.position);
      const last = page.at(-1);
      if (last !== undefined) await this.stepForward(trx, page, last.position);
      const isGoingThrough = await this.stepThroughRoom(trx);
      return last !== undefined || isGoingThrough ? 'more' : 'done';
    });
  }

  private async stepForward(trx: Trx, page: readonly PageRow[], position: number): Promise<void> {
    await writeDirectoryRooms(trx, page);
    await writeDirectoryEntries(trx, [...new Set(page.flatMap(({ userNid }) => userNid ?? []))]);
    await trx.updateTable('index_cursors').set({ position }).where('name', '=', this.name).execute();
  }

  /** @returns whether there was a room to go through */
  private async stepThroughRoom(trx: Trx): Promise<boolean> {
    const room = await nextRoomToGoThrough(trx);
    if (room === undefined) return false;
    const members = await trx
      .selectFrom('memberships')
      .select('user_nid as userNid')
      .where('room_nid', '=', room.roomNid)
      .where('membership', '=', 'join')
      .where('user_nid', '>=', room.nextUserNid)
      .orderBy('user_nid')
      .limit(MEMBERS)
      .execute();
    await writeDirectoryEntries(
      trx,
      members.map(({ userNid }) => userNid),
    );
    const last = members.at(-1);
    await trx
      .updateTable('directory_rooms')
      .set({ next_user_nid: last === undefined || members.length < MEMBERS ? null : last.userNid + 1 })
      .where('room_nid', '=', room.roomNid)
      .execute();
    return true;
  }
}

/** `OFFSET 0`: new are a few events, where the planner reckons with as many as the limit. */
async function read(trx: Trx, above: number): Promise<PageRow[]> {
  const { rows } = await sql<PageRow>`
    SELECT p.position, p.room_nid AS "roomNid", member.state_key_nid AS "userNid"
    FROM (SELECT position, event_nid, room_nid FROM event_positions
      WHERE position > ${above} ORDER BY position LIMIT ${BATCH}) AS p
    LEFT JOIN LATERAL (SELECT redacted_event_nid FROM redactions WHERE redaction_event_nid = p.event_nid OFFSET 0) AS x ON true
    LEFT JOIN LATERAL (SELECT state_key_nid FROM events WHERE event_nid = coalesce(x.redacted_event_nid, p.event_nid)
      AND type_nid = ${EVENT_TYPE_NIDS['m.room.member']} OFFSET 0) AS member ON true
    ORDER BY p.position`.execute(trx);
  return rows;
}
