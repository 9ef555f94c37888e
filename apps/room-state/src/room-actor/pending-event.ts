import type { StateOverride, StateResetChange } from '@atoll/database';
import type { EventId, EventReference, Pdu, RoomEvent } from '@atoll/matrix';

/** An event in a room actor's memory: known by id, of any status. */
export interface KnownEvent extends RoomEvent {
  readonly eventNid: number;
  /** How other events name it. Made of the exact event, of which `pdu` holds the nearest numbers that JavaScript has. */
  readonly reference: EventReference;
  /** Length of its JSON, the unit of the cache budget. */
  readonly bytes: number;
  /** In the current or the next commit, the state and timeline it is part of; `null`: rejected, soft-failed, outlier. */
  readonly accepted: boolean;
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
  readonly verdict: 'accepted' | 'soft-failed' | 'rejected';
  readonly problem: string | null;
  /** The signed and exact PDU, to be stored: signatures of our own events are made off the event loop while the commit before is in flight. */
  readonly signed: Promise<Pdu>;
  readonly edits: readonly StateEdit[];
  readonly state?: { basePosition: number; parentEventNid: number | null; overrides: StateOverride[] };
  readonly transaction?: { deviceId: string; scope: string; id: string };
  readonly redactsNid?: number;
  readonly reset?: StateResetChange[];
}
