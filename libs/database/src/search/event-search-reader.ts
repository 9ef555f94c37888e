import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import { boundedRead } from '../bounded-read.js';
import type { Database } from '../open-database.js';
import { type StretchBounds, timelineStretch } from '../room/timeline-stretch.js';
import { SEARCH_KEYS, type SearchKey } from '../schema/search.table.js';
import { queryOf } from './words.js';

/** Longest search, in ms: words that half of all messages hold are not worth more. */
const TIMEOUT_MS = 5_000;
/** With more rooms these are not asked of the index, but looked at in each event that it finds. */
const MAX_INDEXED_ROOMS = 50;

/** What is searched, and where. Users that nobody knows match nothing. */
export interface EventSearch {
  /** All of its words must be there. */
  readonly term: string;
  readonly keys: readonly SearchKey[];
  /** `until`: no event behind this position. */
  readonly rooms: readonly { readonly roomNid: number; readonly until: number }[];
  readonly senders?: readonly string[] | undefined;
  readonly notSenders: readonly string[];
  /** Whose messages are left out, though not the names and topics that they set. */
  readonly ignored: readonly string[];
  readonly hasUrl?: boolean | undefined;
  /** No event behind this position, in any room. */
  readonly until: number;
  readonly limit: number;
}

/** An event that holds the words. Whether somebody may see it is the caller's question. */
export interface EventMatch {
  readonly eventNid: number;
  readonly roomNid: number;
  readonly position: number;
  readonly beforePosition: number | null;
  readonly rank: number;
}

/** Nids of the events around another, each the nearest first. */
export interface AroundMatch {
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Finds events by their words, and what stands around them. */
export class EventSearchReader {
  constructor(private readonly database: Database) {}

  /**
   * The newest matches, the newest first; nothing for a term without words.
   * @throws ReadTookTooLong
   */
  async newest(search: EventSearch): Promise<EventMatch[]> {
    if (queryOf(search.term, 'words') === '' || search.rooms.length === 0) return [];
    const { rows } = await boundedRead(this.database.db, TIMEOUT_MS, (db) => this.query(search).execute(db));
    return rows;
  }

  /** The events around each of the matches, in the order of these, but none behind `until`. */
  async around(
    matches: readonly { readonly roomNid: number; readonly position: number; readonly until: number }[],
    limits: { readonly before: number; readonly after: number },
  ): Promise<AroundMatch[]> {
    const anchor = sql`m.anchor`;
    const [before, after] = await Promise.all([
      this.neighbours(matches, {
        dir: 'b',
        limit: limits.before,
        upTo: { anchor, position: sql`m.position - 1`, stream: sql`m.anchor - 1` },
      }),
      this.neighbours(matches, {
        dir: 'f',
        limit: limits.after,
        above: {
          anchor,
          position: sql`m.position`,
          stream: sql`CASE WHEN m.position < 0 THEN m.anchor - 1 ELSE m.anchor END`,
        },
        upTo: { anchor: sql`m.until`, position: sql`m.until`, stream: sql`m.until` },
      }),
    ]);
    return matches.map((_, index) => ({ before: before.get(index) ?? [], after: after.get(index) ?? [] }));
  }

  /** @internal For the test that looks at its plan. */
  query({ rooms, term, ...search }: EventSearch) {
    const words = queryOf(term, 'words');
    const inRooms =
      rooms.length <= MAX_INDEXED_ROOMS
        ? `(${rooms.map(({ roomNid }) => `'!${roomNid}'`).join(' | ')}) & ${words}`
        : words;
    const conditions = [
      sql`s.document @@ ${inRooms}::tsquery`,
      sql`s.key = ${anyOf(search.keys.map((key) => SEARCH_KEYS[key]))}`,
      sql`s.position <= ${search.until}`,
      sql`NOT EXISTS (SELECT FROM redactions x WHERE x.redacted_event_nid = s.event_nid)`,
      ...(search.senders ? [sql`s.sender_nid IN ${nidsOf(search.senders)}`] : []),
      ...(search.notSenders.length > 0 ? [sql`s.sender_nid NOT IN ${nidsOf(search.notSenders)}`] : []),
      ...(search.ignored.length > 0
        ? [sql`NOT (s.key = ${SEARCH_KEYS['content.body']} AND s.sender_nid IN ${nidsOf(search.ignored)})`]
        : []),
      ...(search.hasUrl === undefined ? [] : [sql`s.has_url = ${search.hasUrl}`]),
    ];
    // Ranked when the newest are chosen: that reads the documents.
    return sql<EventMatch>`
      SELECT m.event_nid AS "eventNid", m.room_nid AS "roomNid", m.position,
        (SELECT h.before_position FROM event_positions h WHERE h.position = m.position) AS "beforePosition", ts_rank(m.document, ${words}::tsquery) AS rank
      FROM (SELECT s.event_nid, s.room_nid, s.position, s.document FROM event_search s
        JOIN unnest(${rooms.map(({ roomNid }) => roomNid)}::bigint[], ${rooms.map(({ until }) => until)}::bigint[])
          AS r(nid, until) ON r.nid = s.room_nid AND s.position <= r.until
            AND (s.position > 0 OR NOT EXISTS (SELECT FROM event_positions p
              WHERE p.position = s.position AND p.before_position > r.until))
        WHERE ${sql.join(conditions, sql` AND `)}
        ORDER BY s.position DESC LIMIT ${search.limit} OFFSET 0) AS m
      ORDER BY m.position DESC`;
  }

  private async neighbours(
    matches: readonly { readonly roomNid: number; readonly position: number; readonly until: number }[],
    bounds: Omit<StretchBounds, 'room'>,
  ): Promise<Map<number, number[]>> {
    if (bounds.limit === 0 || matches.length === 0) return new Map();
    const order = sql.raw(bounds.dir === 'f' ? 'ASC' : 'DESC');
    const { rows } = await sql<{ index: number; eventNid: number }>`
      SELECT m.n - 1 AS index, p.event_nid AS "eventNid"
      FROM (SELECT m.*, coalesce(own.before_position, greatest(m.position, 0)) AS anchor
        FROM unnest(${matches.map(({ roomNid }) => roomNid)}::bigint[], ${matches.map(({ position }) => position)}::bigint[],
          ${matches.map(({ until }) => until)}::bigint[]) WITH ORDINALITY AS m(room, position, until, n)
        LEFT JOIN event_positions own ON own.position = m.position) AS m
      CROSS JOIN LATERAL ${timelineStretch({ ...bounds, room: sql`m.room` })} AS p
      ORDER BY m.n, p.anchor ${order}, p.position ${order}`.execute(this.database.db);
    const found = Map.groupBy(rows, ({ index }) => index);
    return new Map([...found].map(([index, list]) => [index, list.map(({ eventNid }) => eventNid)]));
  }
}

function nidsOf(users: readonly string[]) {
  return sql`(SELECT state_key_nid FROM state_keys WHERE state_key = ${anyOf(users)})`;
}
