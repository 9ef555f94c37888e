import type { StreamChange, StreamPositions } from '@atoll/database';
import type { DeviceId, UserId } from '@atoll/matrix';

/** How a wait ended: something happened, its time is over, or the client or this process goes away. */
export type WaitOutcome = 'woken' | 'expired' | 'ended';

/** What a sync waits for. */
export interface Wait {
  /** The rooms that the user is joined to. */
  readonly rooms: readonly number[];
  /** Of what happens in them, only that matters which is about somebody: a membership, say, or a user's devices. */
  readonly onlyPeople?: boolean;
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
  onlyPeople = false;
  positions: StreamPositions | undefined;
  tick = 0;
  private resolve: ((outcome: WaitOutcome) => void) | undefined;

  constructor(
    readonly userId: UserId,
    readonly deviceId?: DeviceId,
  ) {}

  get isWaiting(): boolean {
    return this.resolve !== undefined;
  }

  /** Whether a change that is the user's is of another device of the user. */
  isOfAnotherDevice({ deviceId }: StreamChange): boolean {
    return deviceId !== undefined && deviceId !== this.deviceId;
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
