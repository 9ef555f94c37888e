import type { RoomId } from '@atoll/matrix';
import { sql } from 'kysely';
import type { Database } from '../open-database.js';
import { EMPTY_STATE_KEY_NID } from '../schema/event.table.js';
import { UNDECODABLE } from '../undecodable.js';

/** What the directory tells of a room; null for what its state does not say. */
export interface PublishedRoom {
  readonly roomId: RoomId;
  readonly joinedMembers: number;
  readonly name: string | null;
  readonly topic: string | null;
  readonly canonicalAlias: string | null;
  readonly avatarUrl: string | null;
  readonly joinRule: string | null;
  readonly historyVisibility: string | null;
  readonly guestAccess: string | null;
  readonly roomType: string | null;
}

export interface PublishedRoomQuery {
  /** Part of the name, topic or alias, in any case. */
  readonly term?: string | undefined;
  /** Null among them stands for rooms without a type. */
  readonly roomTypes?: readonly (string | null)[] | undefined;
  readonly limit: number;
  readonly offset: number;
}

/** The rooms in this server's directory. */
export class PublishedRoomReader {
  constructor(private readonly database: Database) {}

  /**
   * A page of the rooms that match, the largest first, and how many match. PostgreSQL reads the state events: their JSON
   * stays away from the event loop. A content that PostgreSQL cannot decode says nothing.
   */
  async page(query: PublishedRoomQuery): Promise<{ rooms: PublishedRoom[]; total: number }> {
    const term = query.term?.toLowerCase() ?? null;
    const types = query.roomTypes ?? null;
    const { rows } = await sql<PublishedRoom & { total: number }>`
      SELECT *, count(*) OVER () AS total FROM (
        SELECT r.room_nid, r.room_id AS "roomId", state.*,
          (SELECT count(*) FROM memberships m WHERE m.room_nid = r.room_nid AND m.membership = 'join') AS "joinedMembers"
        FROM rooms r CROSS JOIN LATERAL (
          SELECT ${text('m.room.name', 'name')} AS name, ${text('m.room.topic', 'topic')} AS topic,
            ${text('m.room.canonical_alias', 'alias')} AS "canonicalAlias", ${text('m.room.avatar', 'url')} AS "avatarUrl",
            ${text('m.room.join_rules', 'join_rule')} AS "joinRule", ${text('m.room.create', 'type')} AS "roomType",
            ${text('m.room.history_visibility', 'history_visibility')} AS "historyVisibility",
            ${text('m.room.guest_access', 'guest_access')} AS "guestAccess"
          FROM room_state s JOIN event_types t USING (type_nid) JOIN events e USING (event_nid)
            LEFT JOIN redactions x ON x.redacted_event_nid = e.event_nid
            CROSS JOIN LATERAL (SELECT CASE WHEN e.json !~* ${UNDECODABLE} THEN e.json::json->'content' END) AS c(content)
          WHERE s.room_nid = r.room_nid AND s.state_key_nid = ${EMPTY_STATE_KEY_NID} AND s.to_position IS NULL
            AND (x.redacted_event_nid IS NULL OR t.type = ANY(${SURVIVES_REDACTION}::text[]))) AS state
        WHERE r.in_directory) AS published
      WHERE "joinedMembers" > 0
        AND (${term}::text IS NULL OR strpos(lower(concat_ws(E'\n', name, topic, "canonicalAlias")), ${term}) > 0)
        AND (${types}::text[] IS NULL OR "roomType" = ANY(${types}) OR ("roomType" IS NULL AND ${types?.includes(null) ?? false}))
      ORDER BY "joinedMembers" DESC, room_nid
      LIMIT ${query.limit} OFFSET ${query.offset}`.execute(this.database.db);
    return {
      rooms: rows.map((row) => ({
        roomId: row.roomId,
        joinedMembers: row.joinedMembers,
        name: row.name,
        topic: row.topic,
        canonicalAlias: row.canonicalAlias,
        avatarUrl: row.avatarUrl,
        joinRule: row.joinRule,
        historyVisibility: row.historyVisibility,
        guestAccess: row.guestAccess,
        roomType: row.roomType,
      })),
      total: rows[0]?.total ?? 0,
    };
  }
}

/** Keys of these contents that the directory reads stay when the event is redacted. */
const SURVIVES_REDACTION = ['m.room.join_rules', 'm.room.history_visibility'];

/** SQL of a string in the content of the state event of a type; null for anything but a string. */
function text(type: string, key: string) {
  return sql`max(CASE WHEN json_typeof(c.content->${key}) = 'string' THEN c.content->>${key} END) FILTER (WHERE t.type = ${type})`;
}
