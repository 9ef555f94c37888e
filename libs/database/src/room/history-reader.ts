import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import { historyGaps } from './history-gaps.js';

/** Tells rooms whose history this server has whole from those that began before it came, or of which it missed something. */
export class HistoryReader {
  constructor(private readonly database: Database) {}

  /**
   * Whether events of the room have predecessors that this server does not have: other servers may know more.
   * @param above counts only what is missing just before events that are deeper than this in the room
   */
  async isIncomplete(roomNid: number, above?: number): Promise<boolean> {
    const row = await this.database.db
      .selectFrom('backward_extremities')
      .select('room_nid')
      .where('room_nid', '=', roomNid)
      .$if(above !== undefined, (query) => query.where('depth', '>', above ?? 0))
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  /**
   * The newest place at which something of the room's history is missing: the position of the event that follows.
   * @param upTo only where that event is at this position or before it
   * @param above only where it is behind this position
   */
  async newestGap(
    roomNid: number,
    { upTo, above }: { upTo: number; above: number },
  ): Promise<number | undefined> {
    const { rows } = await sql<{ newest: number | null }>`
      SELECT max("beforePosition") AS newest FROM ${historyGaps(roomNid)} AS gaps
      WHERE "beforePosition" <= ${upTo} AND "beforePosition" > ${above}`.execute(this.database.db);
    return rows[0]?.newest ?? undefined;
  }

  /** Those of the rooms that have history which no sync tells: backfilled, or still to be had from other servers. */
  async withOlder(roomNids: readonly number[]): Promise<Set<number>> {
    const rows = await this.database.db
      .selectFrom('rooms as r')
      .select('r.room_nid as roomNid')
      .where('r.room_nid', '=', anyOf(roomNids))
      .where(
        sql<boolean>`(EXISTS (SELECT FROM backward_extremities b WHERE b.room_nid = r.room_nid)
          OR EXISTS (SELECT FROM event_positions p WHERE p.room_nid = r.room_nid AND p.position < 0))`,
      )
      .execute();
    return new Set(rows.map(({ roomNid }) => roomNid));
  }
}
