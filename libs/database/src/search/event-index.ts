import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Pdu } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { EVENT_STATUS } from '../schema/event.table.js';
import { SEARCH_KEYS } from '../schema/search.table.js';
import { type FollowingIndex, type IndexCursor, type IndexStep, lockCursor } from './index-cursor.js';
import { SEARCHABLE_TYPES, searchableText } from './searchable-text.js';
import { documentOf } from './words.js';

/** Events of one step: some megabytes at most. */
const BATCH = 200;
/** After so many UTF-16 units of text the event loop gets a turn. */
const TEXT_PER_TURN = 50_000;

type Trx = Transaction<DatabaseSchema>;

interface PageRow {
  readonly position: number;
  readonly eventNid: number;
  readonly roomNid: number;
  readonly senderNid: number;
  readonly isRedaction: boolean;
  /** Of what may be searched and was not redacted. */
  readonly json: string | null;
}

/** Keeps `event_search`: a document for each event that holds searchable text, none for what was redacted. */
export class EventIndex implements FollowingIndex {
  readonly name = 'event_search';

  constructor(private readonly database: Database) {}

  async isBehind(): Promise<boolean> {
    const { rows } = await sql<{ isBehind: boolean }>`
      SELECT EXISTS (SELECT FROM event_positions p WHERE p.position > c.position)
        OR (SELECT is_called AND last_value < c.backfilled_to FROM backfill_position) AS "isBehind"
      FROM index_cursors c WHERE c.name = ${this.name}`.execute(this.database.db);
    return rows[0]?.isBehind ?? false;
  }

  /** Goes forward first; when there is nothing new, down into backfilled history. */
  step(): Promise<IndexStep> {
    return this.database.db.transaction().execute(async (trx) => {
      const cursor = await lockCursor(trx, this.name);
      if (cursor === undefined) return 'busy';
      const page = await read(trx, { above: cursor.position, dir: 'asc' });
      const last = page.at(-1);
      if (last === undefined) return this.stepDown(trx, cursor);
      await this.write(trx, page);
      await this.move(trx, { position: last.position });
      return 'more';
    });
  }

  /**
   * The writers of backfilled events do not wait for each other, so a position may become visible after one that was given out later. What
   * is given out is noted, and read once every transaction that may have had part in it has ended.
   */
  private async stepDown(trx: Trx, { backfilledTo, settlingTo }: IndexCursor): Promise<IndexStep> {
    if (settlingTo === null) {
      const lowest = await lowestGivenOut(trx);
      if (lowest >= backfilledTo) return 'done';
      // A statement of its own, after the look: the snapshot knows every transaction that had taken a position by then.
      await this.move(trx, {
        settling_to: lowest,
        settling_xid: sql`pg_snapshot_xmax(pg_current_snapshot())`,
      });
      return 'done';
    }
    if (!(await this.isSettled(trx))) return 'done';
    const page = await read(trx, { above: settlingTo - 1, below: backfilledTo, dir: 'desc' });
    await this.write(trx, page);
    const isWhole = page.length < BATCH;
    await this.move(trx, {
      backfilled_to: isWhole ? settlingTo : (page.at(-1)?.position ?? settlingTo),
      ...(isWhole && { settling_to: null, settling_xid: null }),
    });
    return 'more';
  }

  private async isSettled(trx: Trx): Promise<boolean> {
    const { rows } = await sql<{ isSettled: boolean }>`
      SELECT pg_snapshot_xmin(pg_current_snapshot()) >= settling_xid AS "isSettled"
      FROM index_cursors WHERE name = ${this.name}`.execute(trx);
    return rows[0]?.isSettled ?? false;
  }

  private async write(trx: Trx, page: readonly PageRow[]): Promise<void> {
    const documents = await toDocuments(page);
    if (documents.length > 0) {
      await trx
        .insertInto('event_search')
        .values(documents)
        .onConflict((conflict) => conflict.doNothing())
        .execute();
    }
    const redactions = page.filter(({ isRedaction }) => isRedaction);
    if (redactions.length === 0) return;
    await trx
      .deleteFrom('event_search')
      .where('event_nid', 'in', (eb) =>
        eb
          .selectFrom('redactions')
          .select('redacted_event_nid')
          .where('redaction_event_nid', '=', anyOf(redactions.map(({ eventNid }) => eventNid))),
      )
      .execute();
  }

  private async move(trx: Trx, change: object): Promise<void> {
    await trx.updateTable('index_cursors').set(change).where('name', '=', this.name).execute();
  }
}

async function read(
  trx: Trx,
  { above, below, dir }: { above: number; below?: number; dir: 'asc' | 'desc' },
): Promise<PageRow[]> {
  const { rows } = await sql<PageRow>`
    SELECT p.position, p.event_nid AS "eventNid", p.room_nid AS "roomNid", e.sender_nid AS "senderNid",
      t.type = 'm.room.redaction' AS "isRedaction",
      CASE WHEN t.type = ${anyOf(SEARCHABLE_TYPES)} AND e.status = ${EVENT_STATUS.accepted} AND x.redacted_event_nid IS NULL
        THEN e.json END AS json
    FROM (SELECT position, event_nid, room_nid FROM event_positions
      WHERE position > ${above} ${below === undefined ? sql`` : sql`AND position < ${below}`}
      ORDER BY position ${sql.raw(dir)} LIMIT ${BATCH}) AS p
    LEFT JOIN events e ON e.event_nid = p.event_nid
    LEFT JOIN event_types t ON t.type_nid = e.type_nid
    LEFT JOIN redactions x ON x.redacted_event_nid = e.event_nid
    ORDER BY p.position ${sql.raw(dir)}`.execute(trx);
  return rows;
}

async function lowestGivenOut(trx: Trx): Promise<number> {
  const { rows } = await sql<{ lowest: number }>`
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS lowest FROM backfill_position`.execute(trx);
  return rows[0]?.lowest ?? 0;
}

async function toDocuments(page: readonly PageRow[]) {
  const documents = [];
  let sinceTurn = 0;
  for (const { json, position, ...event } of page) {
    if (json === null) continue;
    sinceTurn += json.length;
    if (sinceTurn > TEXT_PER_TURN) {
      sinceTurn = 0;
      await nextTurn();
    }
    const pdu = JSON.parse(json) as Pdu;
    const found = searchableText(pdu);
    if (found === undefined) continue;
    documents.push({
      event_nid: event.eventNid,
      room_nid: event.roomNid,
      position,
      sender_nid: event.senderNid,
      key: SEARCH_KEYS[found.key],
      has_url: Object.hasOwn(pdu.content, 'url'),
      document: `'!${event.roomNid}' ${documentOf(found.text)}`,
    });
  }
  return documents;
}
