import type { Pdu } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import { anyOf } from '../any-of.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { EMPTY_STATE_KEY_NID, EVENT_TYPE_NIDS } from '../schema/event.table.js';

const MEMBER = EVENT_TYPE_NIDS['m.room.member'];
const JOIN_RULES = EVENT_TYPE_NIDS['m.room.join_rules'];
const HISTORY_VISIBILITY = EVENT_TYPE_NIDS['m.room.history_visibility'];

type Trx = Transaction<DatabaseSchema>;

interface ChangedRoom {
  readonly roomNid: number;
  /** Whether anything decides anew if the room is open. */
  readonly isJudged: boolean;
  /** More members changed than the events say: a join that brought state, or a resolution. */
  readonly isWhole: boolean;
  /** A join by another server brought members that have no position. */
  readonly isSeeded: boolean;
}

/** Notes of the rooms of a page of the stream whether they are open, and whose members are to be gone through. */
export async function writeDirectoryRooms(
  trx: Trx,
  page: readonly { readonly position: number; readonly roomNid: number }[],
): Promise<void> {
  const changed = await changedRooms(trx, page);
  if (changed.length === 0) return;
  const open = await openRooms(
    trx,
    changed.filter(({ isJudged }) => isJudged).map(({ roomNid }) => roomNid),
  );
  const rows = changed.map(({ roomNid, isWhole, isSeeded }) => ({
    room_nid: roomNid,
    is_open: open.has(roomNid),
    is_seeded: isSeeded,
    next_user_nid: isWhole || isSeeded ? 0 : null,
  }));
  const judged = changed.filter(({ isJudged }) => isJudged).map(({ roomNid }) => roomNid);
  await trx
    .insertInto('directory_rooms')
    .values(rows)
    .onConflict((conflict) =>
      conflict.column('room_nid').doUpdateSet({
        is_open: sql<boolean>`CASE WHEN excluded.room_nid = ${anyOf(judged)} THEN excluded.is_open ELSE directory_rooms.is_open END`,
        is_seeded: sql<boolean>`directory_rooms.is_seeded OR excluded.is_seeded`,
        // Members of a room that opens are known by what they call themselves there from now on.
        next_user_nid: sql<number | null>`CASE
          WHEN excluded.room_nid = ${anyOf(judged)} AND excluded.is_open AND NOT directory_rooms.is_open THEN 0
          ELSE coalesce(excluded.next_user_nid, directory_rooms.next_user_nid) END`,
      }),
    )
    .execute();
}

/** The room whose members are gone through next, and from where on. */
export async function nextRoomToGoThrough(
  trx: Trx,
): Promise<{ roomNid: number; nextUserNid: number } | undefined> {
  const row = await trx
    .selectFrom('directory_rooms')
    .select(['room_nid as roomNid', 'next_user_nid as nextUserNid'])
    .where('next_user_nid', 'is not', null)
    .orderBy('room_nid')
    .limit(1)
    .executeTakeFirst();
  return row && { roomNid: row.roomNid, nextUserNid: row.nextUserNid ?? 0 };
}

/** Those of the rooms that have something to note. */
async function changedRooms(
  trx: Trx,
  page: readonly { readonly position: number; readonly roomNid: number }[],
): Promise<ChangedRoom[]> {
  const { rows } = await sql<ChangedRoom>`
    WITH changes AS (
      SELECT p.room, count(s.*) FILTER (WHERE s.type_nid = ${MEMBER}) AS members,
        count(s.*) FILTER (WHERE s.type_nid IN (${JOIN_RULES}, ${HISTORY_VISIBILITY})) AS settings
      FROM unnest(${page.map(({ roomNid }) => roomNid)}::bigint[], ${page.map(({ position }) => position)}::bigint[])
        AS p(room, position)
      JOIN room_state s ON s.room_nid = p.room AND s.from_position = p.position
      GROUP BY p.room, p.position),
    rooms AS (
      SELECT room, bool_or(settings > 0) AS is_set, bool_or(members > 1) AS is_whole, bool_or(members > 0) AS has_member
      FROM changes GROUP BY room),
    noted AS (
      SELECT r.*, d.room_nid IS NULL AS is_new, r.has_member AND d.is_seeded IS NOT TRUE AND EXISTS (
        SELECT FROM room_state s WHERE s.room_nid = r.room AND s.from_position = 0 AND s.type_nid = ${MEMBER}) AS is_seeded
      FROM rooms r LEFT JOIN directory_rooms d ON d.room_nid = r.room)
    SELECT room AS "roomNid", is_set OR is_new OR is_whole OR is_seeded AS "isJudged", is_whole AS "isWhole",
      is_seeded AS "isSeeded"
    FROM noted WHERE is_set OR is_new OR is_whole OR is_seeded`.execute(trx);
  return rows;
}

/** Those of the rooms that anybody may join or read now. */
async function openRooms(trx: Trx, roomNids: readonly number[]): Promise<Set<number>> {
  const rows = await trx
    .selectFrom('room_state as s')
    .innerJoin('events as e', 'e.event_nid', 's.event_nid')
    .select(['s.room_nid as roomNid', 'e.json'])
    .where('s.room_nid', '=', anyOf(roomNids))
    .where('s.type_nid', '=', anyOf([JOIN_RULES, HISTORY_VISIBILITY]))
    .where('s.state_key_nid', '=', EMPTY_STATE_KEY_NID)
    .where('s.to_position', 'is', null)
    .execute();
  return new Set(rows.filter(({ json }) => opens(JSON.parse(json) as Pdu)).map(({ roomNid }) => roomNid));
}

function opens({ content }: Pdu): boolean {
  return content['join_rule'] === 'public' || content['history_visibility'] === 'world_readable';
}
