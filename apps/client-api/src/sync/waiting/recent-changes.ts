import type { StreamChange } from '@atoll/database';
import type { Waiter } from './waiter.js';

const KEPT = 4_096;

/** The newest changes of one stream: what happened since a client's last sync needs no query where they still tell it. */
export class RecentChanges {
  private changes: StreamChange[] = [];

  private newest: number;

  /** @param complete every change after this position is here */
  constructor(private complete: number) {
    this.newest = complete;
  }

  add(changes: readonly StreamChange[]): void {
    // As arguments of one call, many would not fit on the stack.
    for (const change of changes) this.changes.push(change);
    this.newest = changes.at(-1)?.position ?? this.newest;
    if (this.changes.length <= 2 * KEPT) return;
    const dropped = this.changes.splice(0, this.changes.length - KEPT);
    this.complete = dropped.at(-1)?.position ?? this.complete;
  }

  /** Those after `from` up to `to`; undefined when not all of them are known, for they are too old or too new. */
  between(from: number, to: number): StreamChange[] | undefined {
    if (from < this.complete || to > this.newest) return undefined;
    const first = this.changes.findLastIndex(({ position }) => position <= from) + 1;
    const found: StreamChange[] = [];
    for (let i = first; i < this.changes.length; i += 1) {
      const change = this.changes[i];
      if (change === undefined || change.position > to) break;
      found.push(change);
    }
    return found;
  }

  /** Whether a change after the position concerns the waiter; true also when that is no longer known. */
  mayConcern(waiter: Waiter, position: number): boolean {
    if (position < this.complete) return true;
    for (let i = this.changes.length - 1; i >= 0; i--) {
      const change = this.changes[i];
      if (change === undefined || change.position <= position) return false;
      if (change.userId === waiter.userId && !waiter.isOfAnotherDevice(change)) return true;
      if (waiter.onlyPeople && change.userId === null) continue;
      if (change.roomNid !== null && waiter.rooms.includes(change.roomNid)) return true;
    }
    return false;
  }
}
