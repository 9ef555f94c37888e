import { type RawBuilder, sql } from 'kysely';
import { streamPositionAt, type TimelinePoint } from './timeline-point.js';

/** A row of a stretch: `[anchor, position]` is its point of the timeline. */
export interface StretchRow {
  event_nid: number;
  anchor: number;
  position: number;
}

/** A `TimelinePoint` as SQL, with its `streamPositionAt`. */
export type PointSql = Readonly<Record<'anchor' | 'position' | 'stream', RawBuilder<unknown>>>;

export interface StretchBounds {
  /** The room's number, as SQL. */
  readonly room: RawBuilder<unknown>;
  readonly above?: PointSql | undefined;
  readonly upTo?: PointSql | undefined;
  readonly dir: 'f' | 'b';
  readonly limit: number;
}

export function pointSql([anchor, position]: TimelinePoint): PointSql {
  const number = (value: number) => sql`${value}::bigint`;
  return {
    anchor: number(anchor),
    position: number(position),
    stream: number(streamPositionAt([anchor, position])),
  };
}

/** The events of a room's timeline between two points, in the order of the direction: those of the stream and history, each by its index. */
export function timelineStretch({ room, above, upTo, dir, limit }: StretchBounds): RawBuilder<StretchRow> {
  const order = sql.raw(dir === 'f' ? 'ASC' : 'DESC');
  const anchor = sql`coalesce(before_position, 0)`;
  const place = ({ anchor, position }: PointSql) => sql`(${anchor}, ${position})`;
  return sql<StretchRow>`(
    (SELECT event_nid, position AS anchor, position FROM event_positions
      WHERE room_nid = ${room} AND position > 0
        ${above ? sql`AND position > ${above.stream}` : sql``} ${upTo ? sql`AND position <= ${upTo.stream}` : sql``}
      ORDER BY position ${order} LIMIT ${limit})
    UNION ALL
    (SELECT event_nid, ${anchor}, position FROM event_positions
      WHERE room_nid = ${room} AND position < 0
        ${above ? sql`AND (${anchor}, position) > ${place(above)}` : sql``}
        ${upTo ? sql`AND (${anchor}, position) <= ${place(upTo)}` : sql``}
      ORDER BY ${anchor} ${order}, position ${order} LIMIT ${limit})
    ORDER BY anchor ${order}, position ${order} LIMIT ${limit})`;
}
