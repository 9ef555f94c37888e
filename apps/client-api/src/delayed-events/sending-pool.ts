import type { ClaimableShare, ClaimedDelayedEvent } from '@atoll/database';
import type { UserId } from '@atoll/matrix';

export interface SendingPoolSize {
  readonly atOnce: number;
  readonly ofUser: number;
}

/** How many delayed events of one kind a process has claimed, of all users and of each. */
export class SendingPool {
  private readonly held = new Map<UserId, number>();
  private size = 0;

  constructor(
    private readonly asksOthers: boolean,
    private readonly bounds: SendingPoolSize,
  ) {}

  /** What may be claimed now; undefined when the pool is full. */
  share(): ClaimableShare | undefined {
    const limit = this.bounds.atOnce - this.size;
    if (limit <= 0) return undefined;
    return { asksOthers: this.asksOthers, limit, perUser: this.bounds.ofUser, held: this.held };
  }

  /** Counts events of one user until the function that it returns is called. */
  take([first, ...others]: readonly [ClaimedDelayedEvent, ...ClaimedDelayedEvent[]]): () => void {
    const count = 1 + others.length;
    this.add(first.userId, count);
    return () => {
      this.add(first.userId, -count);
    };
  }

  private add(userId: UserId, count: number): void {
    this.size += count;
    const held = (this.held.get(userId) ?? 0) + count;
    if (held === 0) this.held.delete(userId);
    else this.held.set(userId, held);
  }
}
