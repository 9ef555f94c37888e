import type { EventId, UserId } from '@atoll/matrix';
import type { Transaction } from 'kysely';
import type { ClosingStatements, TakenPositions } from '../closing-statements.js';
import type { DatabaseSchema } from '../schema/database-schema.js';

/** Whose subscription, and to which thread. */
export interface ThreadSubscriptionKey {
  readonly userId: UserId;
  readonly roomNid: number;
  readonly rootId: EventId;
}

/** The positions of the events that a room has: from the lowest, of what was backfilled last, to the highest. */
export interface PresentEvents {
  readonly from: number;
  readonly to: number;
}

/** Subscribed, by the user or by a client for the user; or not, with what was there when the user unsubscribed. */
export type ThreadSubscriptionState =
  { readonly automatic: boolean } | { readonly automatic: undefined; readonly present: PresentEvents };

/** Writes the `thread_subscriptions` stream. All of it is meaningful while the account is locked, see `AccountTransactor.lock`. */
export class ThreadSubscriptionTransactor {
  constructor(
    private readonly transaction: Transaction<DatabaseSchema>,
    private readonly closing: ClosingStatements,
  ) {}

  /** Undefined when the user neither subscribed nor unsubscribed ever. */
  async find(key: ThreadSubscriptionKey): Promise<ThreadSubscriptionState | undefined> {
    const row = await this.transaction
      .selectFrom('thread_subscriptions')
      .select(['automatic', 'unsubscribed_at', 'backfilled_to'])
      .where('room_nid', '=', key.roomNid)
      .where('root_event_id', '=', key.rootId)
      .where('user_id', '=', key.userId)
      .executeTakeFirst();
    if (row === undefined) return undefined;
    if (row.automatic !== null) return { automatic: row.automatic };
    return { automatic: undefined, present: { from: row.backfilled_to ?? 0, to: row.unsubscribed_at ?? 0 } };
  }

  /** Whether the user has so many rows, those of threads unsubscribed from among them. */
  async hasAsManyAs(max: number, userId: UserId): Promise<boolean> {
    const row = await this.transaction
      .selectFrom('thread_subscriptions')
      .select('user_id')
      .where('user_id', '=', userId)
      .offset(max - 1)
      .limit(1)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** The events of a room that anybody can have seen: one room's become visible in the order of its positions, backfilled ones too. */
  async presentEvents(roomNid: number): Promise<PresentEvents> {
    const { from, to } = await this.transaction
      .selectFrom('event_positions')
      .select(({ fn }) => [fn.min('position').as('from'), fn.max('position').as('to')])
      .where('room_nid', '=', roomNid)
      .$castTo<{ from: number | null; to: number | null }>()
      .executeTakeFirstOrThrow();
    return { from: from ?? 0, to: to ?? 0 };
  }

  /** Writes the state, of which nobody is told yet. */
  async put(key: ThreadSubscriptionKey, state: ThreadSubscriptionState): Promise<void> {
    const present = state.automatic === undefined ? state.present : undefined;
    const values = {
      automatic: state.automatic ?? null,
      unsubscribed_at: present?.to ?? null,
      backfilled_to: present?.from ?? null,
    };
    await this.transaction
      .insertInto('thread_subscriptions')
      .values({
        room_nid: key.roomNid,
        root_event_id: key.rootId,
        user_id: key.userId,
        position: 0,
        ...values,
      })
      .onConflict((conflict) =>
        conflict.columns(['room_nid', 'root_event_id', 'user_id']).doUpdateSet(values),
      )
      .execute();
  }

  /** @returns the position at which the subscription is told after the commit, as `at(0)` */
  tell(key: ThreadSubscriptionKey): TakenPositions {
    const positions = this.closing.take('thread_subscriptions', 1);
    this.closing.add(
      this.transaction
        .updateTable('thread_subscriptions')
        .set({ position: positions.sql(0) })
        .where('room_nid', '=', key.roomNid)
        .where('root_event_id', '=', key.rootId)
        .where('user_id', '=', key.userId),
    );
    return positions;
  }
}
