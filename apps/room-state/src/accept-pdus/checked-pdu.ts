import type { PduOutcome } from '@atoll/contract';
import type { Pdu, RoomEvent } from '@atoll/matrix';

/** What one PDU came to, as the caller gets it. */
export interface PduResult {
  eventId: string | null;
  outcome: PduOutcome;
  reason?: string;
  missing?: string[];
}

/** The outcome of the checks that need nothing but the event and its signers' keys. */
export type CheckedPdu = ReceivedEvent | { readonly refused: string };

/** An event that its signers did sign. */
export interface ReceivedEvent {
  /** With the nearest numbers that JavaScript has, for rules and memory. */
  readonly event: RoomEvent;
  /** As its hashes cover it: what is stored and sent on. */
  readonly exact: Pdu;
}
