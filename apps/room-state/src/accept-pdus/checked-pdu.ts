import type { PduOutcome } from '@atoll/contract';
import type { RoomEvent } from '@atoll/matrix';

/** What one PDU came to, as the caller gets it. */
export interface PduResult {
  eventId: string | null;
  outcome: PduOutcome;
  reason?: string;
  missing?: string[];
}

/** The outcome of the checks that need nothing but the event and its signers' keys. */
export type CheckedPdu = { readonly event: RoomEvent } | { readonly refused: string };
