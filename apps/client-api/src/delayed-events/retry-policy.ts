/**
 * For so long nobody else sends what one process has begun to send, and longer while that process renews its claim. When it has died,
 * others wait no longer; when it only seems so, both get the same answer.
 */
export const CLAIM_MS = 10_000;
export const RENEW_EVERY_MS = 3_000;

const FIRST_WAIT_MS = 1_000;
export const LONGEST_WAIT_MS = 60_000;
const GIVEN_UP_AFTER_MS = 24 * 3_600_000;

/** How long an event waits whose sending failed for a reason that passes. */
export function waitBeforeTry(attempt: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** Math.min(attempt - 1, 10), LONGEST_WAIT_MS);
}

/** Whether an event that has been due for so long is not tried any more. */
export function isGivenUp(overdueMs: number): boolean {
  return overdueMs > GIVEN_UP_AFTER_MS;
}
