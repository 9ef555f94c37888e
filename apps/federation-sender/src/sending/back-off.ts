import type { DestinationFailure } from '@atoll/database';

const FIRST_MS = 2_000;
const MAX_MS = 3_600_000;
const MIN_RATE_LIMIT_MS = 1_000;
/** A wait is between 80 % and 120 % of its interval, so that what failed together is not tried together. */
const JITTER = 0.4;

/**
 * When a destination that has just failed is tried again: after 2 s, then twice as long each time, up to an hour. One that says how
 * long it wants to be left alone is believed, up to an hour, and its interval does not grow.
 *
 * @param now ms since 1970
 * @param retryAfterMs what a rate-limiting destination asked for
 * @param random in [0, 1)
 */
export function backOff(
  previous: DestinationFailure | undefined,
  now: number,
  retryAfterMs?: number,
  random = Math.random(),
): DestinationFailure {
  const failingSince = previous?.failingSince ?? now;
  const interval = previous?.retryIntervalMs ?? 0;
  if (retryAfterMs !== undefined) {
    const wait = Math.min(MAX_MS, Math.max(MIN_RATE_LIMIT_MS, retryAfterMs));
    return { failingSince, retryAt: now + Math.ceil(wait), retryIntervalMs: interval };
  }
  const retryIntervalMs = interval > 0 ? Math.min(MAX_MS, interval * 2) : FIRST_MS;
  const wait = retryIntervalMs * (1 - JITTER / 2 + JITTER * random);
  return { failingSince, retryAt: now + Math.ceil(wait), retryIntervalMs };
}
