import type { UserId } from '@atoll/matrix';
import { type Kysely, sql } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { type EventToSend, NOW_MS } from './delayed-event.js';

/** Writes what users ask for: events to be sent later. */
export class DelayedEventTransactor {
  /** @param db a transaction, where several statements must hold together */
  constructor(private readonly db: Kysely<DatabaseSchema>) {}

  /** The id of the delayed event that this transaction of a client has made. */
  async madeBy(transactionKey: Buffer): Promise<string | undefined> {
    const row = await this.db
      .selectFrom('delayed_events')
      .select('delay_id')
      .where('transaction_key', '=', transactionKey)
      .executeTakeFirst();
    return row?.delay_id;
  }

  /** How many are still to be sent, and in how many ms the next one is, where there is one. */
  async waiting(userId: UserId): Promise<{ count: number; nextInMs: number | null }> {
    return this.db
      .selectFrom('delayed_events')
      .select(({ fn }) => [
        fn.countAll<number>().as('count'),
        sql<number | null>`min(due_ts) - ${NOW_MS}`.as('nextInMs'),
      ])
      .where('user_id', '=', userId)
      .where('finalised_ts', 'is', null)
      .executeTakeFirstOrThrow();
  }

  async add(
    delayId: string,
    event: EventToSend & { readonly delayMs: number },
    transactionKey: Buffer | undefined,
  ): Promise<void> {
    const due = sql<number>`${NOW_MS} + ${event.delayMs}::bigint`;
    await this.db
      .insertInto('delayed_events')
      .values({
        delay_id: delayId,
        user_id: event.userId,
        transaction_key: transactionKey ?? null,
        room_id: event.roomId,
        type: event.type,
        state_key: event.stateKey ?? null,
        content: JSON.stringify(event.content),
        delay_ms: event.delayMs,
        scheduled_ts: NOW_MS,
        due_ts: due,
        next_try_ts: due,
      })
      .execute();
  }

  /** Starts the delay anew. False unless the event still waits, and nobody sends it just now. */
  async restart(userId: UserId, delayId: string): Promise<boolean> {
    const { numUpdatedRows } = await this.waitingEvent(userId, delayId)
      .set((eb) => {
        const due = eb(NOW_MS, '+', eb.ref('delay_ms'));
        return { scheduled_ts: NOW_MS, due_ts: due, next_try_ts: due };
      })
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** The event is never sent. False unless it still waits, and nobody sends it just now. */
  async cancel(userId: UserId, delayId: string): Promise<boolean> {
    const { numUpdatedRows } = await this.waitingEvent(userId, delayId)
      .set({ finalised_ts: NOW_MS })
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** Forgets what became of all but the newest `kept` of the user's. */
  async forgetAllBut(kept: number, userId: UserId): Promise<void> {
    await this.db
      .deleteFrom('delayed_events')
      .where('delay_id', 'in', (query) =>
        query
          .selectFrom('delayed_events')
          .select('delay_id')
          .where('user_id', '=', userId)
          .where('finalised_ts', 'is not', null)
          .orderBy('finalised_ts', 'desc')
          .offset(kept),
      )
      .execute();
  }

  private waitingEvent(userId: UserId, delayId: string) {
    return this.db
      .updateTable('delayed_events')
      .where('delay_id', '=', delayId)
      .where('user_id', '=', userId)
      .where('finalised_ts', 'is', null)
      .where('claimed', '=', false);
  }
}
