import type { DeviceId, UserId } from '@atoll/matrix';
import { LRUCache } from 'lru-cache';
import type { Database } from '../open-database.js';

/** What is written of when an inbox was emptied: not each time. */
const EMPTIED_EVERY_MS = 3_600_000;

/** Whose inbox it is. */
export interface InboxOwner {
  readonly userId: UserId;
  readonly deviceId: DeviceId;
}

/** A message that a device has not acknowledged. */
export interface ToDeviceMessage {
  readonly position: number;
  readonly sender: UserId;
  readonly type: string;
  /** JSON */
  readonly content: string;
}

/** A stretch of an inbox. */
export interface InboxPage {
  readonly messages: readonly ToDeviceMessage[];
  /** Everything after the given position and up to here is among the messages. */
  readonly upTo: number;
}

/** Reads the inboxes of local devices. */
export class ToDeviceReader {
  /** Of which it was written within the hour. */
  readonly #emptied = new LRUCache<string, true>({ max: 100_000, ttl: EMPTIED_EVERY_MS });

  constructor(private readonly database: Database) {}

  /** The oldest messages after one position and up to another, in their order. */
  async page(
    { userId, deviceId }: InboxOwner,
    after: number,
    upTo: number,
    limit: number,
  ): Promise<InboxPage> {
    if (after >= upTo) return { messages: [], upTo: after };
    const messages = await this.database.db
      .selectFrom('to_device')
      .select(['position', 'sender', 'type', 'content'])
      .where('user_id', '=', userId)
      .where('device_id', '=', deviceId)
      .where('position', '>', after)
      .where('position', '<=', upTo)
      .orderBy('position')
      .limit(limit + 1)
      .execute();
    if (messages.length <= limit) return { messages, upTo };
    messages.pop();
    return { messages, upTo: messages.at(-1)?.position ?? after };
  }

  /**
   * The device has everything up to the position: that goes. When it was, is written after that and not with it: whoever deletes a device locks
   * it before its messages.
   */
  async acknowledge({ userId, deviceId }: InboxOwner, upTo: number): Promise<void> {
    await this.database.db
      .deleteFrom('to_device')
      .where('user_id', '=', userId)
      .where('device_id', '=', deviceId)
      .where('position', '<=', upTo)
      .execute();
    const owner = `${userId} ${deviceId}`;
    if (this.#emptied.has(owner)) return;
    // Also of an empty inbox: its device is there.
    this.#emptied.set(owner, true);
    const now = Date.now();
    await this.database.db
      .updateTable('devices')
      .set({ inbox_emptied_ts: now })
      .where('user_id', '=', userId)
      .where('device_id', '=', deviceId)
      .where('inbox_emptied_ts', '<', now - EMPTIED_EVERY_MS)
      .execute();
  }
}
