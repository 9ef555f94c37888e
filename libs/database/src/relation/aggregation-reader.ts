import type { EventId, UserId } from '@atoll/matrix';
import { type RawBuilder, sql } from 'kysely';
import type { Database } from '../open-database.js';
import { KNOWN_REL_TYPES, REL_TYPE_NIDS } from '../schema/relation.table.js';
import type { RoomRange } from '../sync/sync-timeline-reader.js';

/** An event that may have children. */
export interface ParentEvent {
  readonly eventNid: number;
  readonly roomNid: number;
  readonly eventId: EventId;
}

/** Whose children count for a viewer: not those of ignored users, nor those outside of the visible stretches. */
export interface CountedChildren {
  readonly userId: UserId;
  readonly ignored: readonly string[];
  readonly visible: readonly RoomRange[];
}

/** What relates to an event: by one of the types, and of one of the senders; any, where undefined. */
export interface WantedChildren {
  readonly relTypes?: readonly string[] | undefined;
  readonly senders?: readonly string[] | undefined;
}

export interface ThreadSummary {
  readonly parentNid: number;
  readonly count: number;
  readonly participated: boolean;
  readonly latestNid: number;
}

export interface ChildEvent {
  readonly parentNid: number;
  readonly eventNid: number;
}

export interface Reference extends ChildEvent {
  readonly roomNid: number;
  readonly position: number;
  readonly beforePosition: number | null;
  readonly eventId: EventId;
}

/** Replies that are counted, the newest. */
const MAX_REPLIES = 10_000;
/** Edits among which the most recent is looked for, and how many of those come: the first may not be valid. */
const MAX_EDITS = 100;
const CANDIDATES = 3;
const MAX_REFERENCES = 100;
/** Children among which a wanted one is looked for, the newest. */
const MAX_CHILDREN = 10_000;
const MAX_REFERENCES_AT_ONCE = 5_000;

/** Sums up the children of many events at once, without redacted ones. */
export class AggregationReader {
  constructor(private readonly database: Database) {}

  /** The numbers of those that have children to sum up: one index probe each. */
  async withChildren(events: readonly ParentEvent[]): Promise<Set<number>> {
    const { rows } = await this.withChildrenQuery(events).execute(this.database.db);
    return new Set(rows.map(({ eventNid }) => eventNid));
  }

  /** The numbers of those to which an event relates as wanted. */
  async related(
    events: readonly ParentEvent[],
    wanted: WantedChildren,
    counted: CountedChildren,
  ): Promise<Set<number>> {
    const { rows } = await this.relatedQuery(events, wanted, counted).execute(this.database.db);
    return new Set(rows.map(({ eventNid }) => eventNid));
  }

  /** Of those that have replies. */
  async threads(parents: readonly ParentEvent[], counted: CountedChildren): Promise<ThreadSummary[]> {
    return (await this.threadsQuery(parents, counted).execute(this.database.db)).rows;
  }

  /** Replacements by the same sender, of the same type, the most recent first; a few of each parent. */
  async edits(parents: readonly ParentEvent[], counted: CountedChildren): Promise<ChildEvent[]> {
    return (await this.editsQuery(parents, counted).execute(this.database.db)).rows;
  }

  /** What refers to the parents, in order: the newest of each, where there are very many. */
  async references(parents: readonly ParentEvent[], counted: CountedChildren): Promise<Reference[]> {
    return (await this.referencesQuery(parents, counted).execute(this.database.db)).rows;
  }

  /** @internal For the test that looks at its plan. */
  withChildrenQuery(events: readonly ParentEvent[]): RawBuilder<{ eventNid: number }> {
    return sql`
      SELECT p.nid AS "eventNid" FROM ${these(events)}
      WHERE EXISTS (SELECT FROM event_relations r
        WHERE r.room_nid = p.room AND r.parent_event_id = p.id AND r.rel_type_nid <= 3)`;
  }

  /** @internal For the test that looks at its plan. */
  relatedQuery(
    events: readonly ParentEvent[],
    { relTypes, senders }: WantedChildren,
    counted: CountedChildren,
  ): RawBuilder<{ eventNid: number }> {
    const ofType = relTypes === undefined ? sql`` : sql`AND r.rel_type_nid ${relTypeNids(relTypes)}`;
    const ofSender =
      senders === undefined
        ? sql``
        : sql`AND r.sender_nid = any(ARRAY(SELECT state_key_nid FROM state_keys WHERE state_key = any(${senders})))`;
    return sql`
      SELECT p.nid AS "eventNid" FROM ${these(events)}
      WHERE EXISTS (SELECT FROM (
          SELECT r.event_nid, r.position, r.sender_nid FROM event_relations r
          WHERE r.room_nid = p.room AND r.parent_event_id = p.id ${ofType}
          ORDER BY r.position DESC LIMIT ${MAX_CHILDREN}) AS r
        WHERE ${counts(counted)} ${ofSender})`;
  }

  /** @internal For the test that looks at its plan. */
  threadsQuery(parents: readonly ParentEvent[], counted: CountedChildren): RawBuilder<ThreadSummary> {
    return sql`
      SELECT p.nid AS "parentNid", thread.count, thread.participated, latest.event_nid AS "latestNid"
      FROM ${these(parents)}
      CROSS JOIN LATERAL (
        SELECT count(*)::int AS count, max(position) AS latest, coalesce(bool_or(sender_nid =
          (SELECT state_key_nid FROM state_keys WHERE state_key = ${counted.userId})), false) AS participated
        FROM (SELECT r.position, r.sender_nid FROM ${children('m.thread', counted)}
          ORDER BY r.position DESC LIMIT ${MAX_REPLIES}) AS reply) AS thread
      JOIN event_positions latest ON latest.position = thread.latest`;
  }

  /** @internal For the test that looks at its plan. */
  editsQuery(parents: readonly ParentEvent[], counted: CountedChildren): RawBuilder<ChildEvent> {
    return sql`
      SELECT p.nid AS "parentNid", edit.event_nid AS "eventNid"
      FROM ${these(parents)} JOIN events parent ON parent.event_nid = p.nid
      CROSS JOIN LATERAL (
        SELECT e.event_nid, e.origin_server_ts, e.event_id
        FROM (SELECT r.event_nid FROM ${children('m.replace', counted)}
            AND r.sender_nid = parent.sender_nid AND r.type_nid = parent.type_nid
          ORDER BY r.position DESC LIMIT ${MAX_EDITS}) AS newest
        JOIN events e ON e.event_nid = newest.event_nid
        ORDER BY e.origin_server_ts DESC, e.event_id DESC LIMIT ${CANDIDATES}) AS edit
      ORDER BY p.nid, edit.origin_server_ts DESC, edit.event_id DESC`;
  }

  /** @internal For the test that looks at its plan. */
  referencesQuery(parents: readonly ParentEvent[], counted: CountedChildren): RawBuilder<Reference> {
    return sql`
      SELECT p.nid AS "parentNid", p.room AS "roomNid", reference.event_nid AS "eventNid", reference.position,
        (SELECT h.before_position FROM event_positions h WHERE h.position = reference.position) AS "beforePosition",
        e.event_id AS "eventId"
      FROM ${these(parents)}
      CROSS JOIN LATERAL (SELECT r.event_nid, r.position FROM ${children('m.reference', counted)}
        ORDER BY r.position DESC LIMIT ${MAX_REFERENCES}) AS reference
      JOIN events e ON e.event_nid = reference.event_nid
      ORDER BY p.nid, reference.position LIMIT ${MAX_REFERENCES_AT_ONCE}`;
  }
}

function these(events: readonly ParentEvent[]): RawBuilder<unknown> {
  const nids = events.map(({ eventNid }) => eventNid);
  const rooms = events.map(({ roomNid }) => roomNid);
  const ids = events.map(({ eventId }) => eventId);
  return sql`unnest(${nids}::bigint[], ${rooms}::bigint[], ${ids}::text[]) AS p(nid, room, id)`;
}

/** The children of `p` of one type that count. */
function children(relType: keyof typeof REL_TYPE_NIDS, counted: CountedChildren): RawBuilder<unknown> {
  return sql`event_relations r
    WHERE r.room_nid = p.room AND r.parent_event_id = p.id AND r.rel_type_nid = ${sql.raw(String(REL_TYPE_NIDS[relType]))}
      AND ${counts(counted)}`;
}

/** Whether the child `r` of `p` counts. */
function counts({ ignored, visible }: CountedChildren): RawBuilder<unknown> {
  const rooms = visible.map(({ roomNid }) => roomNid);
  const froms = visible.map(({ from }) => from);
  const tos = visible.map(({ to }) => to);
  // History stands just before the event that it is the history of.
  const place = sql`CASE WHEN r.position > 0 THEN r.position ELSE coalesce(
    (SELECT h.before_position FROM event_positions h WHERE h.position = r.position), r.position) END`;
  return sql`NOT EXISTS (SELECT FROM redactions x WHERE x.redacted_event_nid = r.event_nid)
      AND r.sender_nid <> all(ARRAY(SELECT state_key_nid FROM state_keys WHERE state_key = any(${ignored})))
      AND EXISTS (SELECT FROM unnest(${rooms}::bigint[], ${froms}::bigint[], ${tos}::bigint[]) AS v(room, above, up_to)
        WHERE v.room = p.room AND ${place} > v.above AND ${place} <= v.up_to)`;
}

/** The well-known types by number, so that the index for them serves. */
function relTypeNids(relTypes: readonly string[]): RawBuilder<unknown> {
  const known = relTypes.map((relType) => KNOWN_REL_TYPES.get(relType));
  return known.length > 0 && known.every((nid) => nid !== undefined)
    ? sql`IN (${sql.raw([...new Set(known)].join(', '))})`
    : sql`= any(ARRAY(SELECT rel_type_nid FROM relation_types WHERE rel_type = any(${relTypes})))`;
}
