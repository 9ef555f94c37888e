import { type RawBuilder, sql, type Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';

/** The room whose rows go. */
export interface VanishedRoom {
  readonly roomId: string;
  readonly roomNid: number;
}

type Trx = Transaction<DatabaseSchema>;

/** Deletes at most `limit` rows (of events: with all that hangs on them). @returns how many */
type PurgeStep = (trx: Trx, room: VanishedRoom, limit: number) => Promise<number>;

/**
 * What becomes of each table when a room is deleted. `rooms` and `room_heads` go first, in one commit, so that nobody finds the
 * room any more; then these, in this order.
 *
 * Left alone, on purpose:
 * - `event_types`, `state_keys`, `relation_types`: interned for all rooms.
 * - `reports`: the administrators' record of what was reported; `state_resets` is the room's, and goes.
 * - `delayed_events`: when they are due they are refused, which their users can then read.
 * - `command_results`, `received_transactions`: answers to give again; they go by their age.
 * - `user_directory`: of users, who are in other rooms; who may be found there is judged by the memberships that are left.
 * - `sliding_memories`: what connections know of their rooms; rewritten when they are next told something, and they go by their age.
 * - `media`: belongs to no room.
 * - `sender_cursors`, `index_cursors`, `push_cursors`, `destinations`: of streams and servers, not of rooms.
 * - `server_notice_rooms`: the next notice finds that its user is in there no more, and makes another room.
 * - The newest row of a stream (`event_positions`, `receipts`, `typing`, `account_data`, `thread_subscriptions`), should it be the room's: tokens are made from
 *   it, and must not go backwards. It names a room that nobody finds.
 */
export const PURGE_STEPS: readonly PurgeStep[] = [
  // What still comes in is refused; what has come is never taken.
  pages('staged_pdus', 'room_id'),
  // By the users, while the memberships still tell them: there is no index by room.
  roomAccountData,
  unreadCounts,
  pages('receipts', 'room_nid', 'position'),
  pages('typing', 'room_nid', 'position'),
  pages('event_relations', 'room_nid'),
  pages('threads', 'room_nid'),
  pages('thread_subscriptions', 'room_nid', 'position'),
  pages('backward_extremities', 'room_nid'),
  pages('room_aliases', 'room_nid'),
  pages('directory_rooms', 'room_nid'),
  pages('state_resets', 'room_nid'),
  owedToServers,
  pages('memberships', 'room_nid'),
  pages('room_state', 'room_nid'),
  events,
  pages('event_positions', 'room_nid', 'position'),
];

/** Tables with one row for an event, named by the event. */
const OF_EVENTS = [
  ['event_search', 'event_nid'],
  ['event_state', 'event_nid'],
  ['event_transactions', 'event_nid'],
  ['redactions', 'redacted_event_nid'],
  ['redactions', 'redaction_event_nid'],
  ['pending_redactions', 'redaction_event_nid'],
  ['stripped_states', 'event_nid'],
  ['forwarded_events', 'event_nid'],
] as const;

/** @param stream the position column, where the table is a stream */
function pages(table: keyof DatabaseSchema, column: 'room_nid' | 'room_id', stream?: 'position'): PurgeStep {
  return (trx, room, limit) => {
    const value = column === 'room_nid' ? sql`${room.roomNid}::bigint` : sql`${room.roomId}`;
    const kept = stream ? sql`AND ${olderThanNewest(table)}` : sql``;
    return count(
      sql`DELETE FROM ${sql.table(table)} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM ${sql.table(table)} WHERE ${sql.ref(column)} = ${value} ${kept} LIMIT ${limit}))`,
      trx,
    );
  };
}

function olderThanNewest(table: keyof DatabaseSchema): RawBuilder<unknown> {
  return sql`position < (SELECT max(position) FROM ${sql.table(table)})`;
}

function roomAccountData(trx: Trx, { roomId, roomNid }: VanishedRoom, limit: number): Promise<number> {
  return count(
    sql`DELETE FROM account_data WHERE ctid = ANY (ARRAY(
      SELECT a.ctid FROM memberships m JOIN state_keys k ON k.state_key_nid = m.user_nid
      JOIN account_data a ON a.user_id = k.state_key AND a.room_id = ${roomId}
      WHERE m.room_nid = ${roomNid} AND a.position < (SELECT max(position) FROM account_data) LIMIT ${limit}))`,
    trx,
  );
}

function unreadCounts(trx: Trx, { roomNid }: VanishedRoom, limit: number): Promise<number> {
  return count(
    sql`DELETE FROM unread_counts WHERE ctid = ANY (ARRAY(
      SELECT u.ctid FROM memberships m JOIN unread_counts u ON u.user_nid = m.user_nid AND u.room_nid = m.room_nid
      WHERE m.room_nid = ${roomNid} LIMIT ${limit}))`,
    trx,
  );
}

/** At most one row for each server: found by the servers, for there is no index by room. */
function owedToServers(trx: Trx, { roomNid }: VanishedRoom, limit: number): Promise<number> {
  return count(
    sql`DELETE FROM destination_rooms WHERE ctid = ANY (ARRAY(
      SELECT r.ctid FROM destinations d JOIN destination_rooms r ON r.destination = d.destination AND r.room_nid = ${roomNid}
      LIMIT ${limit}))`,
    trx,
  );
}

async function events(trx: Trx, { roomNid }: VanishedRoom, limit: number): Promise<number> {
  const page = await trx
    .selectFrom('events')
    .select('event_nid')
    .where('room_nid', '=', roomNid)
    .limit(limit)
    .execute();
  const nids = page.map((row) => row.event_nid);
  if (nids.length === 0) return 0;
  for (const [table, column] of OF_EVENTS) {
    await sql`DELETE FROM ${sql.table(table)} WHERE ${sql.ref(column)} = ANY (${nids}::bigint[])`.execute(
      trx,
    );
  }
  await sql`DELETE FROM event_positions WHERE event_nid = ANY (${nids}::bigint[]) AND ${olderThanNewest('event_positions')}`.execute(
    trx,
  );
  return count(sql`DELETE FROM events WHERE event_nid = ANY (${nids}::bigint[])`, trx);
}

async function count(statement: RawBuilder<unknown>, trx: Trx): Promise<number> {
  const { numAffectedRows } = await statement.execute(trx);
  return Number(numAffectedRows ?? 0n);
}
