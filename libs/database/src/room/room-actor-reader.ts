import type { EventId, Pdu, RoomAlias, RoomEvent, RoomId, ServerName, UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import { serverOf } from '../federation/server-name-sql.js';
import type { Database } from '../open-database.js';
import { EVENT_STATUS, type EventStatus, type StateOverride } from '../schema/event.table.js';

/** What a room actor starts from. */
export interface LoadedRoom {
  roomNid: number;
  roomId: RoomId;
  version: string;
  partition: number;
  extremities: { eventNid: number; eventId: EventId }[];
  depth: number;
  lastPosition: number;
  /** Local users can do nothing in it but leave. */
  isBlocked: boolean;
}

/** One key of a state; `null` where it has nothing. */
export interface StateEntry {
  type: string;
  stateKey: string;
  eventId: EventId | null;
}

/** Rows of a state that are read at once, so that a large room does not hold the event loop. */
const STATE_PAGE = 5_000;
const EVENT_PAGE = 500;

/** An event of any status as the actor needs it. */
export interface LoadedEvent extends RoomEvent {
  eventNid: number;
  roomVersion: string;
  status: EventStatus;
  position: number | null;
  /** The PDU as it is stored: hashes cover its text, in which numbers may be written as `pdu` cannot tell. */
  json: string;
}

/** What room-state reads: rooms to load into memory, events to authorise by, the state at forks, earlier answers. */
export class RoomActorReader {
  constructor(private readonly database: Database) {}

  async loadRoom(roomId: RoomId): Promise<LoadedRoom | undefined> {
    const { db } = this.database;
    const room = await db
      .selectFrom('rooms')
      .innerJoin('room_heads', 'room_heads.room_nid', 'rooms.room_nid')
      .leftJoin('room_blocks', 'room_blocks.room_id', 'rooms.room_id')
      .select(['rooms.room_nid', 'version', 'partition', 'extremities', 'depth'])
      .select('room_blocks.room_id as blocked')
      .where('rooms.room_id', '=', roomId)
      .executeTakeFirst();
    if (!room) return undefined;
    const [extremities, last] = await Promise.all([
      db
        .selectFrom('events')
        .select(['event_nid as eventNid', 'event_id as eventId'])
        .where('event_nid', '=', anyOf(room.extremities))
        .execute(),
      db
        .selectFrom('event_positions')
        .select('position')
        .where('room_nid', '=', room.room_nid)
        .orderBy('position', 'desc')
        .limit(1)
        .executeTakeFirst(),
    ]);
    return {
      roomNid: room.room_nid,
      roomId,
      version: room.version,
      partition: room.partition,
      extremities,
      depth: room.depth,
      lastPosition: last?.position ?? 0,
      isBlocked: room.blocked !== null,
    };
  }

  /** The current state in pages. Nobody may write to the room meanwhile: its owner reads it before it serves it. */
  async *currentState(roomNid: number): AsyncGenerator<(StateEntry & { eventId: EventId })[]> {
    let after: readonly [type: number, key: number] = [0, 0];
    for (;;) {
      const { rows } = await sql<StateEntry & { eventId: EventId; typeNid: number; keyNid: number }>`
        SELECT t.type, k.state_key AS "stateKey", e.event_id AS "eventId", s.type_nid AS "typeNid", s.state_key_nid AS "keyNid"
        FROM room_state s JOIN event_types t USING (type_nid) JOIN state_keys k USING (state_key_nid)
        JOIN events e ON e.event_nid = s.event_nid
        WHERE s.room_nid = ${roomNid} AND s.to_position IS NULL AND (s.type_nid, s.state_key_nid) > (${after[0]}, ${after[1]})
        ORDER BY s.type_nid, s.state_key_nid LIMIT ${STATE_PAGE}`.execute(this.database.db);
      const last = rows.at(-1);
      if (!last) return;
      yield rows;
      after = [last.typeNid, last.keyNid];
    }
  }

  /** What the state at a position had under the keys that changed since; few rows for positions near the newest. */
  async stateDifference(roomNid: number, position: number): Promise<StateEntry[]> {
    const { rows } = await sql<StateEntry>`
      SELECT t.type, k.state_key AS "stateKey", e.event_id AS "eventId"
      FROM (SELECT DISTINCT type_nid, state_key_nid FROM room_state
        WHERE room_nid = ${roomNid} AND from_position > ${position}) changed
      JOIN event_types t USING (type_nid) JOIN state_keys k USING (state_key_nid)
      LEFT JOIN room_state s ON s.room_nid = ${roomNid} AND s.type_nid = changed.type_nid
        AND s.state_key_nid = changed.state_key_nid AND s.from_position <= ${position}
        AND (s.to_position IS NULL OR s.to_position > ${position})
      LEFT JOIN events e ON e.event_nid = s.event_nid`.execute(this.database.db);
    return rows;
  }

  /** Events of any status by id, in no particular order; unknown ids are absent. */
  async events(eventIds: readonly EventId[]): Promise<LoadedEvent[]> {
    const events: LoadedEvent[] = [];
    for (let start = 0; start < eventIds.length; start += EVENT_PAGE) {
      events.push(...(await this.pageOfEvents(eventIds.slice(start, start + EVENT_PAGE))));
    }
    return events;
  }

  async isRedacted(eventNid: number): Promise<boolean> {
    const row = await this.database.db
      .selectFrom('redactions')
      .select('redacted_event_nid')
      .where('redacted_event_nid', '=', eventNid)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** The numbers of events, by id; unknown ids are absent. */
  async eventNids(eventIds: readonly EventId[]): Promise<Map<EventId, number>> {
    const nids = new Map<EventId, number>();
    for (let start = 0; start < eventIds.length; start += STATE_PAGE) {
      const rows = await this.database.db
        .selectFrom('events')
        .select(['event_id', 'event_nid'])
        .where('event_id', '=', anyOf(eventIds.slice(start, start + STATE_PAGE)))
        .execute();
      for (const row of rows) nids.set(row.event_id, row.event_nid);
    }
    return nids;
  }

  private async pageOfEvents(eventIds: readonly EventId[]): Promise<LoadedEvent[]> {
    const rows = await this.database.db
      .selectFrom('events')
      .innerJoin('rooms', 'rooms.room_nid', 'events.room_nid')
      .leftJoin('event_positions', 'event_positions.event_nid', 'events.event_nid')
      .select(['events.event_nid', 'event_id', 'room_id', 'version', 'status', 'json', 'position'])
      .where('event_id', '=', anyOf(eventIds))
      .execute();
    return rows.map((row) => ({
      eventNid: row.event_nid,
      eventId: row.event_id,
      roomId: row.room_id,
      roomVersion: row.version,
      pdu: JSON.parse(row.json) as Pdu,
      rejected: row.status === EVENT_STATUS.rejected || row.status === EVENT_STATUS.rejectedOutlier,
      status: row.status,
      position: row.position,
      json: row.json,
    }));
  }

  /** Where the state before an event departs from the timeline; `undefined` when it does not. */
  async eventState(
    eventNid: number,
  ): Promise<{ basePosition: number; overrides: StateOverride[]; depth: number } | undefined> {
    const { rows } = await sql<{ base_position: number; overrides: StateOverride[]; depth: number }>`
      WITH RECURSIVE chain AS (
        SELECT event_nid, base_position, parent_event_nid, overrides, 0 AS depth FROM event_state WHERE event_nid = ${eventNid}
        UNION ALL
        SELECT p.event_nid, p.base_position, p.parent_event_nid, p.overrides, chain.depth + 1
        FROM event_state p JOIN chain ON p.event_nid = chain.parent_event_nid)
      SELECT base_position, overrides, depth FROM chain ORDER BY depth DESC`.execute(this.database.db);
    const [oldest] = rows;
    if (!oldest) return undefined;
    return {
      basePosition: oldest.base_position,
      overrides: rows.flatMap((row) => row.overrides),
      depth: rows.length,
    };
  }

  /** Names of interned state overrides. */
  async resolveOverrides(overrides: readonly StateOverride[]): Promise<StateEntry[]> {
    if (overrides.length === 0) return [];
    const { rows } = await sql<StateEntry>`
      SELECT t.type, k.state_key AS "stateKey", e.event_id AS "eventId"
      FROM unnest(${overrides.map(([type]) => type)}::int[], ${overrides.map(([, key]) => key)}::bigint[],
        ${overrides.map(([, , nid]) => nid)}::bigint[]) WITH ORDINALITY AS o(type_nid, state_key_nid, event_nid, n)
      JOIN event_types t USING (type_nid) JOIN state_keys k USING (state_key_nid) LEFT JOIN events e USING (event_nid)
      ORDER BY n`.execute(this.database.db);
    return rows;
  }

  /** First answers to client transactions, by `transactionKey`; absent where there was none. */
  async transactions(keys: readonly Buffer[]): Promise<{ key: Buffer; eventId: EventId }[]> {
    return this.database.db
      .selectFrom('event_transactions as t')
      .innerJoin('events as e', 'e.event_nid', 't.event_nid')
      .select(['t.key', 'e.event_id as eventId'])
      .where('t.key', '=', anyOf(keys))
      .execute();
  }

  /** Answers of earlier commands by idempotency key. */
  async commandResults(keys: readonly string[]): Promise<{ key: string; result: unknown }[]> {
    return this.database.db
      .selectFrom('command_results')
      .select(['idempotency_key as key', 'result'])
      .where('idempotency_key', '=', anyOf(keys))
      .execute();
  }

  /** Whether the user is joined to any of the rooms: the condition of a restricted join. */
  async isJoinedToAny(userId: UserId, roomIds: readonly string[]): Promise<boolean> {
    if (roomIds.length === 0) return false;
    const row = await this.database.db
      .selectFrom('memberships')
      .innerJoin('rooms', 'rooms.room_nid', 'memberships.room_nid')
      .innerJoin('state_keys', 'state_keys.state_key_nid', 'memberships.user_nid')
      .select('memberships.room_nid')
      .where('state_keys.state_key', '=', userId)
      .where('memberships.membership', '=', 'join')
      .where('rooms.room_id', '=', anyOf(roomIds as readonly RoomId[]))
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Some joined users of one server. */
  async joinedUsersOf(roomNid: number, serverName: ServerName, limit: number): Promise<UserId[]> {
    const rows = await this.database.db
      .selectFrom('memberships as m')
      .innerJoin('state_keys as k', 'k.state_key_nid', 'm.user_nid')
      .select('k.state_key')
      .where('m.room_nid', '=', roomNid)
      .where('m.membership', '=', 'join')
      .where(serverOf('k.state_key'), '=', serverName)
      .limit(limit)
      .execute();
    return rows.map((row) => row.state_key as UserId);
  }

  async aliasExists(alias: RoomAlias): Promise<boolean> {
    const row = await this.database.db
      .selectFrom('room_aliases')
      .select('alias')
      .where('alias', '=', alias)
      .executeTakeFirst();
    return row !== undefined;
  }
}
