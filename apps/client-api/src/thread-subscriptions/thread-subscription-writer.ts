import { ThreadSubscriptionsChanged } from '@atoll/contract';
import {
  AccountTransactor,
  commitInLanes,
  type Database,
  type ThreadSubscriptionKey,
  type ThreadSubscriptionState,
  ThreadSubscriptionTransactor,
} from '@atoll/database';
import { forbidden, resourceLimit } from '@atoll/matrix';
import { Announcer } from '@atoll/redis-streams';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../platform/tokens.js';

/** Of one user, those of threads unsubscribed from among them. */
const MAX_SUBSCRIPTIONS = 20_000;

type Before = ThreadSubscriptionState | undefined;
/** Undefined to leave it as it is. */
type Change = (before: Before, subscriptions: ThreadSubscriptionTransactor) => Promise<Before> | Before;

/** Changes subscriptions, one change of a user after the other, and wakes the user's waiting syncs. What the user cannot see is not told. */
@Injectable()
export class ThreadSubscriptionWriter {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly announcer: Announcer,
  ) {}

  /** As the user wants, which outlasts what clients do for the user. */
  async subscribe(key: ThreadSubscriptionKey): Promise<void> {
    await this.change(key, (before) => (before?.automatic === false ? undefined : { automatic: false }));
  }

  /**
   * For the user, because of an event. False when the user unsubscribed with that event there: what counts is when it came here, so that
   * what is backfilled later is news.
   */
  async subscribeFor(key: ThreadSubscriptionKey, causeAt: number): Promise<boolean> {
    let isConflicting = false;
    await this.change(key, (before) => {
      if (before === undefined) return { automatic: true };
      if (before.automatic !== undefined) return undefined;
      isConflicting = before.present.from <= causeAt && causeAt <= before.present.to;
      return isConflicting ? undefined : { automatic: true };
    });
    return !isConflicting;
  }

  /** Also who is not subscribed: another client may be about to subscribe the user for what is there now. */
  async unsubscribe(key: ThreadSubscriptionKey): Promise<void> {
    await this.change(key, async (_, subscriptions) => {
      return { automatic: undefined, present: await subscriptions.presentEvents(key.roomNid) };
    });
  }

  private async change(key: ThreadSubscriptionKey, change: Change): Promise<void> {
    const { userId } = key;
    const positions = await commitInLanes(this.database.db, async (trx, closing) => {
      if (!(await new AccountTransactor(trx).lock(userId))) throw forbidden('The account is gone');
      const subscriptions = new ThreadSubscriptionTransactor(trx, closing);
      const before = await subscriptions.find(key);
      const after = await change(before, subscriptions);
      if (after === undefined) return undefined;
      if (before === undefined && (await subscriptions.hasAsManyAs(MAX_SUBSCRIPTIONS, userId))) {
        // There is no space for a subscription either that it would have to keep away.
        if (after.automatic === undefined) return undefined;
        throw resourceLimit('There are too many subscriptions to threads');
      }
      await subscriptions.put(key, after);
      return before?.automatic === after.automatic ? undefined : subscriptions.tell(key);
    });
    if (positions) this.announcer.publish(ThreadSubscriptionsChanged, { position: positions.at(0), userId });
  }
}
