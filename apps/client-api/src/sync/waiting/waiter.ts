import type { StreamPositions } from '@atoll/database';
import type { UserId } from '@atoll/matrix';

/** How a wait ended: something happened, its time is over, or the client or this process goes away. */
export type WaitOutcome = 'woken' | 'expired' | 'ended';

/** What a sync waits for. */
export interface Wait {
  /** The rooms that the user is joined to. */
  readonly rooms: readonly number[];
  /** How far each stream has been looked at. */
  readonly positions: StreamPositions;
  /** By the process's monotonic clock, in ms. */
  readonly deadline: number;
}

/** One sync request for as long as it lasts; it waits any number of times. All that a waiting request holds hangs on it. */
export class Waiter {
  /** The client is gone: nobody reads the answer. */
  isClosed = false;
  rooms: readonly number[] = [];
  positions: StreamPositions | undefined;
  tick = 0;
  private resolve: ((outcome: WaitOutcome) => void) | undefined;

  constructor(readonly userId: UserId) {}

  get isWaiting(): boolean {
    return this.resolve !== undefined;
  }

  begin(): Promise<WaitOutcome> {
    return new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  settle(outcome: WaitOutcome): void {
    this.resolve?.(outcome);
    this.resolve = undefined;
  }
}
