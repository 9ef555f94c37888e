import type { StreamChange, StreamName } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import type { Waiter } from './waiter.js';

/** Who waits for news of a room or of a user. */
export class WaiterIndex {
  private readonly byRoom = new Map<number, Set<Waiter>>();
  private readonly byUser = new Map<UserId, Set<Waiter>>();

  add(waiter: Waiter): void {
    insert(this.byUser, waiter.userId, waiter);
    for (const room of waiter.rooms) insert(this.byRoom, room, waiter);
  }

  remove(waiter: Waiter): void {
    take(this.byUser, waiter.userId, waiter);
    for (const room of waiter.rooms) take(this.byRoom, room, waiter);
  }

  /** The waiters whom one of the changes concerns; what a waiter has looked at already does not. */
  concerned(stream: StreamName, changes: Iterable<StreamChange>): Set<Waiter> {
    const found = new Set<Waiter>();
    const find = (waiters: Iterable<Waiter> = [], change: StreamChange) => {
      for (const waiter of waiters) {
        if (waiter.onlyPeople && change.userId === null) continue;
        const isNews = change.position > (waiter.positions?.[stream] ?? 0);
        if (isNews && !waiter.isOfAnotherDevice(change)) found.add(waiter);
      }
    };
    for (const change of changes) {
      if (change.roomNid !== null) find(this.byRoom.get(change.roomNid), change);
      if (change.userId !== null) find(this.byUser.get(change.userId), change);
    }
    return found;
  }

  *all(): Iterable<Waiter> {
    for (const waiters of this.byUser.values()) yield* waiters;
  }
}

function insert<K>(index: Map<K, Set<Waiter>>, key: K, waiter: Waiter): void {
  const waiters = index.get(key);
  if (waiters) waiters.add(waiter);
  else index.set(key, new Set([waiter]));
}

function take<K>(index: Map<K, Set<Waiter>>, key: K, waiter: Waiter): void {
  const waiters = index.get(key);
  waiters?.delete(waiter);
  if (waiters?.size === 0) index.delete(key);
}
