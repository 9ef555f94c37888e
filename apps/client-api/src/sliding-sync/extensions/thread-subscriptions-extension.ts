import type { JsonObject } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { encodeOlderChanges } from '../../thread-subscriptions/older-changes-token.js';
import { ThreadSubscriptionChanges } from '../../thread-subscriptions/thread-subscription-changes.js';
import { GLOBAL_EXTENSION, type Extensions } from '../memory/connection-memory.js';
import type { SlidingContext } from '../sliding-context.js';

/** The newest changes of the user's subscriptions to threads. @see proposals/4308-sliding-sync-ext-thread-subscriptions.md */
@Injectable()
export class ThreadSubscriptionsExtension {
  constructor(private readonly changes: ThreadSubscriptionChanges) {}

  /**
   * Threads unsubscribed from are told at first, too: a client may know more than its connection does.
   * @param had the extensions by which global data was told before
   */
  async load(
    { request: { userId }, since, to }: SlidingContext,
    { limit }: { readonly limit: number },
    had: Extensions,
  ): Promise<JsonObject> {
    const wasTold = since !== undefined && (had & GLOBAL_EXTENSION.threadSubscriptions) !== 0;
    const after = wasTold ? since.thread_subscriptions : 0;
    const upTo = to.thread_subscriptions;
    if (after >= upTo) return {};
    const { body, olderUpTo } = await this.changes.page(userId, { after, upTo, limit });
    return {
      ...body,
      ...(olderUpTo !== undefined && {
        prev_batch: encodeOlderChanges({ upTo: olderUpTo, isComplete: !wasTold }),
      }),
    };
  }
}
