import type { PduOutcome } from '@atoll/contract';

/** What one PDU came to, as the caller gets it. */
export interface PduResult {
  eventId: string | null;
  outcome: PduOutcome;
  reason?: string;
  missing?: string[];
}
