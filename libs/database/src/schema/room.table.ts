import type { ColumnType, Generated } from 'kysely';
import type { EventId, RoomAlias, RoomId, UserId } from '@atoll/matrix';

/** Interned event types. Well-known ids are fixed by migration: see `EVENT_TYPE_NIDS`. */
export interface EventTypesTable {
  type_nid: Generated<number>;
  type: string;
}

/** Interned state keys, user ids among them (a member event's state key is the user id). */
export interface StateKeysTable {
  state_key_nid: Generated<number>;
  state_key: string;
}

export interface RoomsTable {
  room_nid: Generated<number>;
  room_id: RoomId;
  version: string;
  partition: number;
  in_directory: Generated<boolean>;
  created_ts: number;
  /** Until then, ms since 1970, this server may be joining it by another. */
  joining_until: Generated<number | null>;
}

/** Forward extremities of each room and the greatest depth among its events. */
export interface RoomHeadsTable {
  room_nid: number;
  extremities: number[];
  depth: number;
}

/** History of the current state; a row without an event says that the key was removed at `from_position`. */
export interface RoomStateTable {
  room_nid: number;
  type_nid: number;
  state_key_nid: number;
  event_nid: number | null;
  from_position: number;
  to_position: number | null;
}

/** The newest membership of each user in each room; `user_nid` is a `state_key_nid`. */
export interface MembershipsTable {
  user_nid: number;
  room_nid: number;
  membership: 'join' | 'invite' | 'knock' | 'leave' | 'ban';
  event_nid: number;
  position: number;
  forgotten: Generated<boolean>;
  /** Of a user of another server; false of some of these too, while an older release writes rows. */
  is_remote: Generated<boolean>;
}

export interface RoomAliasesTable {
  alias: RoomAlias;
  room_nid: number;
  creator: UserId;
  created_ts: number;
}

/** One row each time a resolution removed or moved state without an event that did so; read by `ctl`. */
export interface StateResetsTable {
  id: Generated<number>;
  room_nid: number;
  cause_event_nid: number;
  changes: ColumnType<StateResetChange[], string, string>;
  created_at: Generated<Date>;
}

export interface StateResetChange {
  type: string;
  stateKey: string;
  before: EventId | null;
  after: EventId | null;
}
