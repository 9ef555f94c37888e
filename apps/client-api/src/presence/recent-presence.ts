import type { UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { LRUCache } from 'lru-cache';

const USERS = 50_000;
const ACTIVITY_COUNTS_AFTER_MS = 60_000;

/** What this process wrote of users' presence lately, so that an ordinary sync or message writes nothing. */
@Injectable()
export class RecentPresence {
  private readonly active = new LRUCache<UserId, true>({ max: USERS, ttl: ACTIVITY_COUNTS_AFTER_MS });
  private readonly confirmed = new LRUCache<UserId, { isWritten: boolean }>({ max: USERS });

  /** Whether it is time to write again that the user is active; from now on it is not, for a minute. */
  takeActivity(userId: UserId): boolean {
    if (this.active.has(userId)) return false;
    this.active.set(userId, true);
    return true;
  }

  /** Whether the user is known to be shown as the last sync wanted it. */
  isConfirmed(userId: UserId): boolean {
    return this.confirmed.get(userId)?.isWritten === true;
  }

  /** Writes it; what others write meanwhile is not overlooked. */
  async confirm(userId: UserId, write: () => Promise<void>): Promise<void> {
    const entry = { isWritten: false };
    this.confirmed.set(userId, entry);
    await write();
    entry.isWritten = true;
  }

  /** Somebody has written the user's presence. */
  forget(userId: UserId): void {
    this.active.delete(userId);
    this.confirmed.delete(userId);
  }
}
