import type { EventId, UserId } from '@atoll/matrix';
import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../open-database.js';
import { KNOWN_REL_TYPES } from '../schema/relation.table.js';

/** As those of `TimelineRange`, but by position: history comes before everything else. */
interface Bounds {
  readonly from?: number;
  readonly to?: number;
  readonly dir: 'f' | 'b';
}

/** The children of an event, as the Relationships API asks for them. */
export interface ChildrenRange extends Bounds {
  readonly limit: number;
  readonly parentId: EventId;
  readonly relType?: string | undefined;
  readonly eventType?: string | undefined;
  readonly sender?: UserId;
  /** Children of children too, up to {@link MAX_RELATION_DEPTH}; each of them passes the filters. */
  readonly recurse: boolean;
}

/** Levels of children that are looked at: 1 is that of the direct ones. */
export const MAX_RELATION_DEPTH = 3;
/** Direct children, those nearest to the page, whose own children are looked for, and how many events that may find. */
const MAX_PARENTS = 2_000;
const MAX_TREE = 10_000;

interface Entry {
  readonly eventNid: number;
  readonly position: number;
}

/** Finds the children of events. Whether somebody may see them is the caller's question. */
export class RelationReader {
  constructor(private readonly database: Database) {}

  /** Numbers of the children in the order of the direction, without redacted ones. */
  async children(roomNid: number, range: ChildrenRange): Promise<number[]> {
    const { rows } = await this.childrenQuery(roomNid, range).execute(this.database.db);
    return rows.map(({ eventNid }) => eventNid);
  }

  /** @internal For the test that looks at its plan. */
  childrenQuery(roomNid: number, range: ChildrenRange): RawBuilder<Entry> {
    const { parentId, recurse, limit, dir, from } = range;
    const isWanted = filterOf(range);
    const direct = (bounds: Bounds, most: number) => sql<Entry>`
      SELECT r.event_nid AS "eventNid", r.position FROM event_relations r
      WHERE r.room_nid = ${roomNid} AND r.parent_event_id = ${parentId} AND ${isWanted} ${boundsOf(bounds, 'r.position')}
      ORDER BY r.position ${orderOf(bounds)} LIMIT ${most}`;
    const page = direct(range, limit);
    if (!recurse) return page;
    // Children come after their parents, nearly always: what the page holds has parents before its end.
    const near = from === undefined ? { dir } : { dir, from };
    const before = from === undefined || dir === 'b' ? [] : [direct({ dir: 'b', from }, MAX_PARENTS)];
    const parents = [direct(near, MAX_PARENTS), ...before].map((query) => sql`(${query})`);
    return sql<Entry>`
      WITH RECURSIVE tree (event_nid, position, depth) AS (
        SELECT "eventNid", position, 1 FROM (${sql.join(parents, sql` UNION ALL `)}) AS first
        UNION ALL
        SELECT r.event_nid, r.position, tree.depth + 1 FROM tree
        CROSS JOIN LATERAL (SELECT event_id FROM events WHERE event_nid = tree.event_nid LIMIT 1) AS parent
        CROSS JOIN LATERAL (SELECT r.event_nid, r.position FROM event_relations r
          WHERE r.room_nid = ${roomNid} AND r.parent_event_id = parent.event_id AND ${isWanted} LIMIT ${MAX_TREE}) AS r
        WHERE tree.depth < ${MAX_RELATION_DEPTH})
      SELECT "eventNid", position FROM (
        SELECT * FROM (${page}) AS direct
        UNION
        SELECT event_nid, position FROM (SELECT * FROM tree LIMIT ${MAX_TREE}) AS tree
        WHERE depth > 1 ${boundsOf(range, 'position')}) AS found
      ORDER BY position ${orderOf(range)} LIMIT ${limit}`;
  }
}

/** The well-known types by number, so that the index for them serves. */
function filterOf({ relType, eventType, sender }: ChildrenRange): RawBuilder<unknown> {
  const conditions = [sql`NOT EXISTS (SELECT FROM redactions x WHERE x.redacted_event_nid = r.event_nid)`];
  if (relType !== undefined) {
    const known = KNOWN_REL_TYPES.get(relType);
    const nid =
      known === undefined
        ? sql`(SELECT rel_type_nid FROM relation_types WHERE rel_type = ${relType})`
        : sql.raw(String(known));
    conditions.push(sql`r.rel_type_nid = ${nid}`);
  }
  if (eventType !== undefined) {
    conditions.push(sql`r.type_nid = (SELECT type_nid FROM event_types WHERE type = ${eventType})`);
  }
  if (sender !== undefined) {
    conditions.push(sql`r.sender_nid = (SELECT state_key_nid FROM state_keys WHERE state_key = ${sender})`);
  }
  return sql.join(conditions, sql` AND `);
}

function orderOf({ dir }: Bounds): RawBuilder<unknown> {
  return sql.raw(dir === 'f' ? 'ASC' : 'DESC');
}

function boundsOf({ dir, from, to }: Bounds, column: string): RawBuilder<unknown> {
  const [above, upTo] = dir === 'f' ? [from, to] : [to, from];
  const position = sql.ref(column);
  const lower = above === undefined ? sql`` : sql`AND ${position} > ${above}`;
  return upTo === undefined ? lower : sql`${lower} AND ${position} <= ${upTo}`;
}
