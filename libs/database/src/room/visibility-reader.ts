import type { JsonValue, Pdu, UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import { anyOf } from '../any-of.js';
import type { Database } from '../open-database.js';
import { EMPTY_STATE_KEY_NID, EVENT_TYPE_NIDS } from '../schema/event.table.js';

/** What a state key held from one position until another took its place (`to` excluded, null for still). */
export interface TimelineValue {
  readonly from: number;
  readonly to: number | null;
  /** As the event has it, unchecked; undefined when the key was removed. */
  readonly value: JsonValue | undefined;
}

/** The two timelines by which history visibility is judged, of one room and one user, in order of position. */
export interface VisibilityTimelines {
  readonly historyVisibility: readonly TimelineValue[];
  readonly membership: readonly TimelineValue[];
}

/** The state before an event that does not follow the room's timeline: that at `basePosition`, but for these. */
export interface ForkedVisibility {
  readonly basePosition: number;
  readonly historyVisibility?: { readonly value: JsonValue | undefined };
  readonly membership?: { readonly value: JsonValue | undefined };
}

const MEMBER = EVENT_TYPE_NIDS['m.room.member'];
const HISTORY_VISIBILITY = EVENT_TYPE_NIDS['m.room.history_visibility'];

/** Reads what decides whether a user may see events. */
export class VisibilityReader {
  constructor(private readonly database: Database) {}

  /** Both timelines of the user in each room, by room nid. */
  async timelines(userId: UserId, roomNids: readonly number[]): Promise<Map<number, VisibilityTimelines>> {
    const rows = await this.timelinesQuery(userId, roomNids).execute();
    const found = new Map(
      roomNids.map((roomNid) => [
        roomNid,
        { historyVisibility: [] as TimelineValue[], membership: [] as TimelineValue[] },
      ]),
    );
    for (const row of rows) {
      const entry = { from: row.from, to: row.to, value: valueOf(row.type, row.json) };
      const timelines = found.get(row.roomNid);
      (row.type === MEMBER ? timelines?.membership : timelines?.historyVisibility)?.push(entry);
    }
    return found;
  }

  /** The state before those of the events that forks or backfill brought; the others have no entry. */
  async forks(userId: UserId, eventNids: readonly number[]): Promise<Map<number, ForkedVisibility>> {
    const rows = await this.forkRows(userId, eventNids);
    const found = new Map<number, ForkedVisibility>();
    for (const row of rows) {
      const fork = { ...found.get(row.eventNid), basePosition: row.basePosition };
      const key = row.type === MEMBER ? 'membership' : 'historyVisibility';
      // Nearest first: the first override of a key counts, and the base of the farthest, on which all stand.
      const overridden = row.type !== null && fork[key] === undefined;
      found.set(row.eventNid, overridden ? { ...fork, [key]: { value: valueOf(row.type, row.json) } } : fork);
    }
    return found;
  }

  timelinesQuery(userId: UserId, roomNids: readonly number[]) {
    const userNid = this.database.db
      .selectFrom('state_keys')
      .select('state_key_nid')
      .where('state_key', '=', userId);
    return this.database.db
      .selectFrom('room_state as s')
      .leftJoin('events as e', 'e.event_nid', 's.event_nid')
      .select([
        's.room_nid as roomNid',
        's.type_nid as type',
        's.from_position as from',
        's.to_position as to',
        'e.json',
      ])
      .where('s.room_nid', '=', anyOf(roomNids, 'bigint'))
      .where((eb) =>
        eb.or([
          eb.and([
            eb('s.type_nid', '=', HISTORY_VISIBILITY),
            eb('s.state_key_nid', '=', EMPTY_STATE_KEY_NID),
          ]),
          eb.and([eb('s.type_nid', '=', MEMBER), eb('s.state_key_nid', '=', userNid)]),
        ]),
      )
      .orderBy('s.from_position');
  }

  private async forkRows(userId: UserId, eventNids: readonly number[]) {
    const { rows } = await sql<{
      eventNid: number;
      basePosition: number;
      type: number | null;
      json: string | null;
    }>`
      WITH RECURSIVE chain AS (
        SELECT event_nid, base_position, parent_event_nid, overrides, 0 AS distance
        FROM event_state WHERE event_nid = ANY(${eventNids})
        UNION ALL
        SELECT chain.event_nid, chain.base_position, parent.parent_event_nid, parent.overrides, distance + 1
        FROM chain JOIN event_state parent ON parent.event_nid = chain.parent_event_nid)
      SELECT chain.event_nid AS "eventNid", base_position AS "basePosition", o.type, e.json
      FROM chain
      LEFT JOIN LATERAL (
        SELECT (item->>0)::int AS type, (item->>1)::bigint AS state_key, (item->>2)::bigint AS event_nid
        FROM jsonb_array_elements(chain.overrides) AS item) o
        ON (o.type = ${HISTORY_VISIBILITY} AND o.state_key = ${EMPTY_STATE_KEY_NID})
        OR (o.type = ${MEMBER} AND o.state_key = (SELECT state_key_nid FROM state_keys WHERE state_key = ${userId}))
      LEFT JOIN events e ON e.event_nid = o.event_nid
      ORDER BY chain.event_nid, distance`.execute(this.database.db);
    return rows;
  }
}

function valueOf(type: number | null, json: string | null): JsonValue | undefined {
  if (json === null) return undefined;
  const { content } = JSON.parse(json) as Pdu;
  return type === MEMBER ? content['membership'] : content['history_visibility'];
}
