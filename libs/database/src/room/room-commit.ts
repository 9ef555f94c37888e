import type { EventId, RoomAlias, RoomId, ServerName, UserId } from '@atoll/matrix';
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
  /** The user is of another server. */
  isRemote: boolean;
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
  /**
   * Whether it gets a position. Accepted events do, and of outliers the member events of local users in rooms that this server is
   * not in; only these may change the current state.
   */
  inTimeline: boolean;
  stateChanges: StateChange[];
  membershipChanges: MembershipChange[];
  /** State before the event, where it is not the room's state just before its position. */
  state?: { basePosition: number; parentEventNid: number | null; overrides: StateOverride[] };
  transaction?: ClientTransaction;
  /** Of an event of the timeline, or a backfilled one. */
  relation?: { relTypeNid: number; parentId: EventId };
  /** Of an allowed redaction: the event whose content is no longer served. */
  redactsNid?: number;
  /** Of an allowed redaction: the event that it means and that is not here yet; of users of one server only, where it says so. */
  redactsLater?: { eventId: EventId; onlyOfServer: ServerName | null };
  reset?: StateResetChange[];
  /** The state that a join to a room new to this server brings, all but the join: current from before any position on. */
  seed?: { stateChanges: StateChange[]; membershipChanges: MembershipChange[] };
  /** It is history: it gets the next position below all that were given, and its place just before the event at this one. */
  beforePosition?: number;
  /** Predecessors that this server does not have. */
  missing?: EventId[];
  /** Of history: the event of the stream that it is the history of, where that is known. */
  followedByNid?: number | null;
  /** It came from another server and may be what other events missed: as their predecessor, or as what they redact. */
  mayBeMissed?: boolean;
  /** Another server's member event that this server brings to the rest of the room. */
  isForwarded?: boolean;
  /** What an invite or knock says about its room, as JSON text. */
  strippedState?: string;
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
