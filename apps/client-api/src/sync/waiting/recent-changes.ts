import type { StreamChange } from '@atoll/database';
import type { Waiter } from './waiter.js';

const KEPT = 512;

/** The newest changes of one stream, for waiters that begin to wait a moment after their positions were read. */
export class RecentChanges {
  private changes: StreamChange[] = [];

  /** @param complete every change after this position is here */
  constructor(private complete: number) {}

  add(changes: readonly StreamChange[]): void {
    this.changes.push(...changes);
    if (this.changes.length <= 2 * KEPT) return;
    const dropped = this.changes.splice(0, this.changes.length - KEPT);
    this.complete = dropped.at(-1)?.position ?? this.complete;
  }

  /** Whether a change after the position concerns the waiter; true also when that is no longer known. */
  mayConcern(waiter: Waiter, position: number): boolean {
    if (position < this.complete) return true;
    for (let i = this.changes.length - 1; i >= 0; i--) {
      const change = this.changes[i];
      if (change === undefined || change.position <= position) return false;
      if (change.userId === waiter.userId) return true;
      if (change.roomNid !== null && waiter.rooms.includes(change.roomNid)) return true;
    }
    return false;
  }
}
