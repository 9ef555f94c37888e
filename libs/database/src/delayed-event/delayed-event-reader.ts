import type { UserId } from '@atoll/matrix';
import { sql } from 'kysely';
import type { Database } from '../open-database.js';
import { DELAYED_EVENT_COLUMNS, type DelayedEvent, NOW_MS, toDelayedEvent } from './delayed-event.js';

/** Reads events that are to be sent later. */
export class DelayedEventReader {
  constructor(private readonly database: Database) {}

  /** Undefined when this user has no such delayed event, or has none any more. */
  async byId(userId: UserId, delayId: string): Promise<DelayedEvent | undefined> {
    const row = await this.database.db
      .selectFrom('delayed_events as d')
      .select(DELAYED_EVENT_COLUMNS)
      .where('d.delay_id', '=', delayId)
      .where('d.user_id', '=', userId)
      .executeTakeFirst();
    return row && toDelayedEvent(row);
  }

  /** Those of the user that are still to be sent, the next one first. */
  async scheduledBy(userId: UserId, limit: number): Promise<DelayedEvent[]> {
    const rows = await this.database.db
      .selectFrom('delayed_events as d')
      .select(DELAYED_EVENT_COLUMNS)
      .where('d.user_id', '=', userId)
      .where('d.finalised_ts', 'is', null)
      .orderBy('d.due_ts')
      .orderBy('d.delay_id')
      .limit(limit)
      .execute();
    return rows.map(toDelayedEvent);
  }

  /** Whether somebody must look at one now. */
  async isAnyDue(): Promise<boolean> {
    const row = await this.database.db
      .selectFrom('delayed_events')
      .select('delay_id')
      .where('finalised_ts', 'is', null)
      .where('next_try_ts', '<=', NOW_MS)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Whether somebody sends the event just now, or died while doing so. */
  async isBeingSent(delayId: string): Promise<boolean> {
    const row = await this.database.db
      .selectFrom('delayed_events')
      .select('claimed')
      .where('delay_id', '=', delayId)
      .where('finalised_ts', 'is', null)
      .executeTakeFirst();
    return row?.claimed === true;
  }

  /**
   * For how many ms the event that is overdue most has been due; 0 when none is.
   * @param longestClaimMs no claim lasts longer from now on: what is on its way is found by when it is looked at next
   */
  async overdueMs(longestClaimMs: number): Promise<number> {
    const { overdueMs } = await this.database.db
      .selectFrom('delayed_events')
      .select(sql<number | null>`${NOW_MS} - min(due_ts)`.as('overdueMs'))
      .where('finalised_ts', 'is', null)
      .where('next_try_ts', '<=', sql<number>`${NOW_MS} + ${longestClaimMs}::bigint`)
      .executeTakeFirstOrThrow();
    return Math.max(0, overdueMs ?? 0);
  }
}
