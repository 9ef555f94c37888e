import { type ThreadSubscriptionRange, ThreadSubscriptionReader } from '@atoll/database';
import type { JsonObject, UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';

/** The newest changes in a range of the stream, as clients get them. */
export interface ThreadSubscriptionPage {
  readonly body: JsonObject;
  /** The end of the range that holds the older ones; undefined when there are none. */
  readonly olderUpTo: number | undefined;
}

/** Reads pages of what changed in a user's subscriptions to threads. @see proposals/4308-sliding-sync-ext-thread-subscriptions.md */
@Injectable()
export class ThreadSubscriptionChanges {
  constructor(private readonly subscriptions: ThreadSubscriptionReader) {}

  async page(
    userId: UserId,
    { after, upTo, limit }: ThreadSubscriptionRange,
  ): Promise<ThreadSubscriptionPage> {
    // One more than wanted tells whether there is more.
    const read = await this.subscriptions.newestChanges(userId, { after, upTo, limit: limit + 1 });
    const subscribed: Record<string, Record<string, JsonObject>> = {};
    const unsubscribed: Record<string, Record<string, JsonObject>> = {};
    for (const { roomId, rootId, automatic, position } of read.slice(0, limit)) {
      const rooms = automatic === undefined ? unsubscribed : subscribed;
      (rooms[roomId] ??= {})[rootId] = {
        ...(automatic !== undefined && { automatic }),
        bump_stamp: position,
      };
    }
    return {
      body: {
        ...(Object.keys(subscribed).length > 0 && { subscribed }),
        ...(Object.keys(unsubscribed).length > 0 && { unsubscribed }),
      },
      olderUpTo: read[limit]?.position,
    };
  }
}
