import type { EventId, RoomAlias, RoomId, UserId } from '@atoll/matrix';
import type { Fence } from '../partition/fence-partitions.js';
import type { EventStatus, StateOverride } from '../schema/event.table.js';
import type { ClientTransaction } from './transaction-key.js';
import type { StateResetChange } from '../schema/room.table.js';

export interface NewRoom {
  roomNid: number;
  roomId: RoomId;
  version: string;
  partition: number;
  inDirectory: boolean;
  alias?: { alias: RoomAlias; creator: UserId };
}

/** A change of the room's current state that takes effect at the event's position; `eventNid: null` removes the key. */
export interface StateChange {
  typeNid: number;
  stateKeyNid: number;
  eventNid: number | null;
}

export interface MembershipChange {
  userNid: number;
  membership: 'join' | 'invite' | 'knock' | 'leave' | 'ban';
  eventNid: number;
}

/** One event with everything that its acceptance writes. */
export interface EventCommit {
  eventNid: number;
  eventId: EventId;
  roomNid: number;
  typeNid: number;
  stateKeyNid: number | null;
  senderNid: number;
  depth: number;
  originServerTs: number;
  status: EventStatus;
  problem: string | null;
  json: string;
  /** Only accepted events enter the timeline and may change the current state. */
  stateChanges: StateChange[];
  membershipChanges: MembershipChange[];
  /** State before the event, where it is not the room's state just before its position. */
  state?: { basePosition: number; parentEventNid: number | null; overrides: StateOverride[] };
  transaction?: ClientTransaction;
  /** Of an allowed redaction: the event whose content is no longer served. */
  redactsNid?: number;
  reset?: StateResetChange[];
}

/** What one commit of a room-state instance writes, across many rooms: all of it or nothing. */
export interface RoomCommit {
  /** The partitions written to, with the epochs under which this instance believes to own them. */
  fences: Fence[];
  newRooms: NewRoom[];
  /** In timeline order. */
  events: EventCommit[];
  /** The room's forward extremities and greatest depth after the commit. */
  heads: { roomNid: number; extremities: number[]; depth: number }[];
  commandResults: { key: string; result: unknown }[];
}
