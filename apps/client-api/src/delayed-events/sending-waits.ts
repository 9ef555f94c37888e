import { DelayedEventReader } from '@atoll/database';
import { MatrixError, type UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { CLAIM_MS } from './retry-policy.js';

/** How long a request waits for somebody else who sends the event just now; when that one dies, another one must have its turn. */
export const WAIT_MS = CLAIM_MS + 5_000;
const FIRST_LOOK_MS = 50;
const LONGEST_LOOK_MS = 1_000;
/** Requests of one user that wait in a process; who sends heart-beats needs one for each call. */
const WAITING_OF_USER = 10;

/** Waits for what becomes of events that are being sent just now: however many requests wait for one, it is looked at once. */
@Injectable()
export class SendingWaits {
  private readonly looks = new Map<string, Promise<void>>();
  private readonly waiting = new Map<UserId, number>();

  constructor(private readonly events: DelayedEventReader) {}

  /**
   * Resolves when the event is no longer being sent, or may have been looked at for long enough; at the latest at that time.
   * @param until by `performance.now()`
   * @throws MatrixError 429 when too many requests of the user wait
   */
  async untilSettled(userId: UserId, delayId: string, until: number): Promise<void> {
    const count = this.waiting.get(userId) ?? 0;
    if (count >= WAITING_OF_USER) {
      throw new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many requests', {
        retry_after_ms: LONGEST_LOOK_MS,
      });
    }
    this.waiting.set(userId, count + 1);
    const ending = new AbortController();
    const time = sleep(Math.max(0, until - performance.now()), undefined, { signal: ending.signal });
    try {
      await Promise.race([this.lookAt(delayId), time]);
    } finally {
      time.catch(() => undefined);
      ending.abort();
      const others = (this.waiting.get(userId) ?? 1) - 1;
      if (others === 0) this.waiting.delete(userId);
      else this.waiting.set(userId, others);
    }
  }

  private lookAt(delayId: string): Promise<void> {
    let look = this.looks.get(delayId);
    if (look === undefined) {
      look = this.look(delayId).finally(() => this.looks.delete(delayId));
      this.looks.set(delayId, look);
    }
    return look;
  }

  private async look(delayId: string): Promise<void> {
    const until = performance.now() + WAIT_MS;
    let waitMs = FIRST_LOOK_MS;
    do {
      await sleep(waitMs);
      waitMs = Math.min(2 * waitMs, LONGEST_LOOK_MS);
    } while (performance.now() < until && (await this.events.isBeingSent(delayId)));
  }
}
