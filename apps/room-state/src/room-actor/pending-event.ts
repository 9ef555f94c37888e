import type { StateOverride, StateResetChange } from '@atoll/database';
import type { EventId, EventReference, Pdu, RoomEvent, ServerName } from '@atoll/matrix';

/** An event in a room actor's memory: known by id, of any status. */
export interface KnownEvent extends RoomEvent {
  readonly eventNid: number;
  /** How other events name it. Made of the exact event, of which `pdu` holds the nearest numbers that JavaScript has. */
  readonly reference: EventReference;
  /** Length of its JSON, the unit of the cache budget. */
  readonly bytes: number;
  /** Part of the room's timeline by all checks. */
  readonly accepted: boolean;
  /** Known as somebody's state or auth event only: the state before it is not known, so that nothing can be placed after it. */
  readonly outlier: boolean;
  /** It has a position, or will have one with its commit. */
  readonly inTimeline: boolean;
}

/** A change of the current state in memory. `eventId: null` removes the key. */
export interface StateEdit {
  readonly type: string;
  readonly stateKey: string;
  readonly typeNid: number;
  readonly stateKeyNid: number;
  readonly eventId: EventId | null;
  readonly eventNid: number | null;
  /** Of a member event: the membership, for the membership index; `leave` when the key is removed. */
  readonly membership?: 'join' | 'invite' | 'knock' | 'leave' | 'ban';
}

/** An event that an actor has taken and that waits for its commit. */
export interface PendingEvent {
  readonly event: KnownEvent;
  readonly typeNid: number;
  readonly stateKeyNid: number | null;
  readonly senderNid: number;
  readonly verdict: 'accepted' | 'soft-failed' | 'rejected' | 'outlier';
  readonly problem: string | null;
  /** The signed and exact PDU, to be stored: signatures of our own events are made off the event loop while the commit before is in flight. */
  readonly signed: Promise<Pdu>;
  /** It gets a position, and its edits change the current state. */
  readonly inTimeline: boolean;
  readonly edits: readonly StateEdit[];
  /** The state that a join to a room new to this server brings, all but the join. */
  readonly seed?: readonly StateEdit[];
  readonly state?: { basePosition: number; parentEventNid: number | null; overrides: StateOverride[] };
  readonly transaction?: { deviceId: string; scope: string; id: string };
  readonly redactsNid?: number;
  /** Of an allowed redaction: the event that it means, not here yet; of users of one server only, where it says so. */
  readonly redactsLater?: { readonly eventId: EventId; readonly onlyOfServer: ServerName | null };
  readonly reset?: StateResetChange[];
  /** Of history that has a place: the position of the event that it is the history of. */
  readonly beforePosition?: number;
  /** Predecessors that this server does not have. */
  readonly missing?: EventId[];
  /** Of history: the event of the stream that it is the history of, where that is known. */
  readonly followedByNid?: number | null;
  /** It came from another server and may be what others missed. */
  readonly mayBeMissed?: boolean;
  /** Another server's member event that this server brings to the rest of the room. */
  readonly isForwarded?: boolean;
  /** What an invite or knock says about its room, as JSON text. */
  readonly strippedState?: string;
}
