import { MatrixError } from '@atoll/matrix';

/** Invites at once, and how soon one more. */
const BURST = 60;
const EVERY_MS = 1_000;

/** How many invites a process acts on that anybody may have made up. */
export class InviteBudget {
  /** ms since 1970 at which nothing will be used up. */
  private full = 0;

  constructor(private readonly now: () => number = Date.now) {}

  /** @throws MatrixError 429 `M_LIMIT_EXCEEDED` when there is not enough left for all of them */
  take(count: number): void {
    const now = this.now();
    const full = Math.max(this.full, now) + count * EVERY_MS;
    const waitMs = full - now - BURST * EVERY_MS;
    if (waitMs > 0) {
      throw new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many invites', { retry_after_ms: waitMs });
    }
    this.full = full;
  }
}
