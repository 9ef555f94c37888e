import type { EventId, RoomId, ServerName, UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import type { RoomRecord } from '../room/room-reader.js';
import { EVENT_STATUS } from '../schema/event.table.js';

/** What must be known of rooms before events of other servers are let in. */
export class InboundRoomReader {
  constructor(private readonly database: Database) {}

  /** Those of the rooms that this server knows and that are not blocked; that it is in them does not follow. */
  async rooms(
    roomIds: readonly RoomId[],
  ): Promise<(Omit<RoomRecord, 'inDirectory'> & { readonly isBeingJoined: boolean })[]> {
    return this.database.db
      .selectFrom('rooms')
      .select((eb) => [
        'room_nid as roomNid',
        'room_id as roomId',
        'version',
        'partition',
        eb.fn
          .coalesce(eb('joining_until', '>', Date.now()), eb.lit(false))
          .$castTo<boolean>()
          .as('isBeingJoined'),
      ])
      .where('room_id', '=', anyOf(roomIds))
      .where((eb) =>
        eb.not(
          eb.exists(
            eb.selectFrom('room_blocks as b').select('b.room_id').whereRef('b.room_id', '=', 'rooms.room_id'),
          ),
        ),
      )
      .execute();
  }

  /** Whether this server is joining any room by another just now. */
  async isJoining(): Promise<boolean> {
    const row = await this.database.db
      .selectFrom('rooms')
      .select('room_nid')
      .where('joining_until', '>', Date.now())
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Says whether one of the users is joined to one of the rooms. */
  async joined(
    roomIds: readonly RoomId[],
    userIds: readonly UserId[],
  ): Promise<(roomId: RoomId, userId: UserId) => boolean> {
    const rows = await this.memberships(roomIds, userIds).where('m.membership', '=', 'join').execute();
    const joined = new Set(rows.map(({ roomId, userId }) => `${roomId} ${userId}`));
    return (roomId, userId) => joined.has(`${roomId} ${userId}`);
  }

  /** Which of the users have an open invite or knock in which of the rooms. */
  async awaiting(
    roomIds: readonly RoomId[],
    userIds: readonly UserId[],
  ): Promise<{ roomId: RoomId; userId: UserId }[]> {
    return this.memberships(roomIds, userIds).where('m.membership', 'in', ['invite', 'knock']).execute();
  }

  /** Whether at least so many staged events of a server wait for the owner of one of the rooms. */
  async hasBacklog(origin: ServerName, roomIds: readonly RoomId[], atLeast: number): Promise<boolean> {
    const { rows } = await sql<{ full: boolean }>`
      SELECT coalesce(bool_or(waiting.count >= ${atLeast}), false) AS full
      FROM unnest(${roomIds}::text[]) AS room CROSS JOIN LATERAL (
        SELECT count(*) FROM (SELECT FROM staged_pdus WHERE room_id = room AND origin = ${origin} LIMIT ${atLeast}) AS staged) AS waiting
    `.execute(this.database.db);
    return rows[0]?.full === true;
  }

  /** Those of the events whose place in their room is decided. Outliers are not among them: they may still find theirs. */
  async decided(eventIds: readonly EventId[]): Promise<Set<EventId>> {
    const rows = await this.database.db
      .selectFrom('events')
      .select('event_id')
      .where('event_id', '=', anyOf(eventIds))
      .where('status', 'in', [EVENT_STATUS.accepted, EVENT_STATUS.softFailed, EVENT_STATUS.rejected])
      .execute();
    return new Set(rows.map((row) => row.event_id));
  }

  private memberships(roomIds: readonly RoomId[], userIds: readonly UserId[]) {
    return this.database.db
      .selectFrom('memberships as m')
      .innerJoin('rooms as r', 'r.room_nid', 'm.room_nid')
      .innerJoin('state_keys as k', 'k.state_key_nid', 'm.user_nid')
      .select(['r.room_id as roomId', 'k.state_key as userId'])
      .where('r.room_id', '=', anyOf(roomIds))
      .where('k.state_key', '=', anyOf(userIds))
      .$narrowType<{ userId: UserId }>();
  }
}
