import type { UserId } from '@atoll/matrix';
import { type Kysely, sql } from 'kysely';
import { boundedRead } from '../bounded-read.js';
import type { Database } from '../open-database.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { foldText, queryOf, quoteLexeme } from '../search/words.js';

const TIMEOUT_MS = 5_000;
/** Matches that are looked at, the best first, for those that the requester may find. */
const MAX_MATCHES = 5_000;

/** A user as the directory shows it. */
export interface FoundUser {
  readonly userId: UserId;
  readonly displayName: string | null;
  readonly avatarUrl: string | null;
}

/** A match, with what puts it in its place. */
interface Match extends FoundUser {
  readonly rank: number;
  readonly isBare: boolean;
}

/** Finds users by name among those that a user may find. */
export class UserDirectoryReader {
  constructor(private readonly database: Database) {}

  /**
   * Users that share a room with the requester or are in an open one, whose id begins with the term, or in whose localpart and display
   * name every word of it begins a word. The best first: those that are just that, those that begin so, the others; with
   * a profile before those without. Of more matches than are looked at, those who share a room are found wherever they are.
   * @throws ReadTookTooLong
   */
  async find(requester: UserId, term: string, limit: number): Promise<FoundUser[]> {
    const folded = foldText(term).trim();
    if (folded === '') return [];
    return boundedRead(this.database.db, TIMEOUT_MS, async (db) => {
      const { rows: best } = await this.query(requester, folded, limit).execute(db);
      if (best.length === limit || !(await this.isCut(db, folded))) return best.map(shown);
      const { rows: mates } = await this.roomMatesQuery(requester, folded, limit).execute(db);
      return merged(best, mates).slice(0, limit).map(shown);
    });
  }

  /** @internal For the test that looks at its plan. */
  query(requester: UserId, folded: string, limit: number) {
    return sql<Match>`
      SELECT ${COLUMNS}
      FROM (SELECT d.*, ${IS_ACTIVE} AS is_active
        FROM (${matchesOf(requester, folded)} ORDER BY rank, is_bare, d.user_id LIMIT ${MAX_MATCHES}) AS d) AS d
      WHERE d.is_active IS NOT FALSE
        AND EXISTS (SELECT FROM memberships m
          LEFT JOIN directory_rooms r ON r.room_nid = m.room_nid
          LEFT JOIN memberships mine ON mine.room_nid = m.room_nid AND mine.membership = 'join'
            AND mine.user_nid = ${nidOf(requester)}
          WHERE m.user_nid = d.user_nid AND m.membership = 'join' AND (mine.room_nid IS NOT NULL OR (r.is_open AND ${IS_NAMED})))
      ORDER BY d.rank, d.is_bare, d.user_id LIMIT ${limit}`;
  }

  /** @internal For the test that looks at its plan. From the rooms of the requester: the matches may be many more than the room-mates. */
  roomMatesQuery(requester: UserId, folded: string, limit: number) {
    return sql<Match>`
      WITH mates AS MATERIALIZED (
        SELECT DISTINCT m.user_nid FROM memberships mine
        JOIN memberships m ON m.room_nid = mine.room_nid AND m.membership = 'join'
        WHERE mine.user_nid = ${nidOf(requester)} AND mine.membership = 'join')
      SELECT ${COLUMNS}
      FROM (${matchesOf(requester, folded)} AND d.user_nid IN (SELECT user_nid FROM mates)) AS d
      WHERE ${IS_ACTIVE} IS NOT FALSE
      ORDER BY d.rank, d.is_bare, d.user_id LIMIT ${limit}`;
  }

  private async isCut(db: Kysely<DatabaseSchema>, folded: string): Promise<boolean> {
    const { rows } = await sql`
      SELECT FROM user_directory d WHERE d.document @@ ${directoryQueryOf(folded)}::tsquery
      OFFSET ${MAX_MATCHES} LIMIT 1`.execute(db);
    return rows.length > 0;
  }
}

const COLUMNS = sql`d.user_id AS "userId", d.display_name AS "displayName", d.avatar_url AS "avatarUrl", d.rank, d.is_bare AS "isBare"`;

/** Of local users whether they are not deactivated, null of others. */
const IS_ACTIVE = sql`(SELECT NOT u.is_deactivated FROM users u WHERE u.user_id = d.user_id)`;

function matchesOf(requester: UserId, folded: string) {
  return sql`
    SELECT d.*, ${rankOf(folded)} AS rank, (d.display_name IS NULL AND d.avatar_url IS NULL) AS is_bare
    FROM user_directory d
    WHERE d.document @@ ${directoryQueryOf(folded)}::tsquery AND d.user_id <> ${requester}`;
}

function nidOf(userId: UserId) {
  return sql`(SELECT state_key_nid FROM state_keys WHERE state_key = ${userId})`;
}

function shown({ userId, displayName, avatarUrl }: Match): FoundUser {
  return { userId, displayName, avatarUrl };
}

/** Each user once, the best first. */
function merged(some: readonly Match[], others: readonly Match[]): Match[] {
  const byId = new Map([...some, ...others].map((match) => [match.userId, match]));
  return [...byId.values()].sort(
    (a, b) => a.rank - b.rank || Number(a.isBare) - Number(b.isBare) || (a.userId < b.userId ? -1 : 1),
  );
}

/** The name is that of an open room, or of the account: while a room opens, others are not yet. */
const IS_NAMED = sql`(d.is_active OR r.next_user_nid IS NULL OR m.user_nid < r.next_user_nid)`;

function idOf(folded: string): string {
  return folded.startsWith('@') ? folded : `@${folded}`;
}

function rankOf(folded: string) {
  const id = idOf(folded);
  return sql`CASE
    WHEN lower(d.user_id) = ${id} OR starts_with(lower(d.user_id), ${`${id}:`}) OR d.folded_name = ${folded} THEN 0
    WHEN starts_with(lower(d.user_id), ${id}) OR starts_with(d.folded_name, ${folded}) THEN 1
    ELSE 2 END`;
}

/** What looks like an id is looked for as one only. */
function directoryQueryOf(folded: string): string {
  const byId = `${quoteLexeme(idOf(folded))}:*`;
  const byWords = /^@|:/.test(folded) ? '' : queryOf(folded, 'prefixes');
  return byWords === '' ? byId : `${byId} | (${byWords})`;
}
