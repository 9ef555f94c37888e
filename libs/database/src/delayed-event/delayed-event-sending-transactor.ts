import type { EventId, JsonObject, UserId } from '@atoll/matrix';
import { type Kysely, sql } from 'kysely';
import type { Database } from '../open-database.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { type ClaimableShare, shareOf } from './claimable-share.js';
import { DELAYED_EVENT_COLUMNS, type DelayedEvent, NOW_MS, toDelayedEvent } from './delayed-event.js';

/** An event that the caller has to send now. Nobody else does, as long as the claim lasts. */
export interface ClaimedDelayedEvent extends DelayedEvent {
  /** The number of the claim. */
  readonly attempt: number;
  /** Somebody had it before and did not say how it ended: it may be in its room. */
  readonly isRepeated: boolean;
  /** For how many ms it has been due; negative when it is sent before its time. */
  readonly overdueMs: number;
}

/** One claims at a time, over all processes: what is due goes out in order. */
const CLAIMING = { class: 1_096_045_676, key: 4140 };

/**
 * Hands out events to be sent and notes how it went. An event that was claimed stays so until somebody knows what became of it:
 * when its claim runs out, it is given to somebody else, to be sent again under the same transaction.
 */
export class DelayedEventSendingTransactor {
  constructor(private readonly database: Database) {}

  /**
   * Claims events that are due, in the order of their times. Of one user in one room, none is claimed while one before it is on its way,
   * or waits for the other kind of room.
   * @returns none when somebody else is claiming just now
   */
  async claimDue(share: ClaimableShare, claimMs: number): Promise<ClaimedDelayedEvent[]> {
    const claimed = await this.database.db.transaction().execute(async (trx) => {
      const { isMine } = await sql<{ isMine: boolean }>`
        SELECT pg_try_advisory_xact_lock(${CLAIMING.class}::int, ${CLAIMING.key}::int) AS "isMine"`
        .execute(trx)
        .then(({ rows }) => rows[0] ?? { isMine: false });
      // A statement of its own: it must see what the last one to claim has written.
      return isMine ? this.claim(trx, claimMs, (candidates) => dueIn(candidates, share)) : [];
    });
    return claimed.toSorted((a, b) => b.overdueMs - a.overdueMs || (a.delayId < b.delayId ? -1 : 1));
  }

  /** Claims one that its user wants sent now; undefined unless it still waits, and nobody sends it. */
  async claimOne(userId: UserId, delayId: string, claimMs: number): Promise<ClaimedDelayedEvent | undefined> {
    const [claimed] = await this.claim(this.database.db, claimMs, (candidates) =>
      candidates
        .where('d.delay_id', '=', delayId)
        .where('d.user_id', '=', userId)
        .where('d.claimed', '=', false),
    );
    return claimed;
  }

  /** Lets claims last so long from now on; those that ended, or that somebody else has by now, stay as they are. */
  async renew(events: readonly ClaimedDelayedEvent[], claimMs: number): Promise<void> {
    const ids = events.map(({ delayId }) => delayId);
    const attempts = events.map(({ attempt }) => attempt);
    await this.database.db
      .updateTable('delayed_events as d')
      .from(
        sql<{ delay_id: string; attempt: number }>`unnest(${ids}::text[], ${attempts}::int[])`.as<'held'>(
          sql`held(delay_id, attempt)`,
        ),
      )
      .set({ next_try_ts: sql<number>`${NOW_MS} + ${claimMs}::bigint` })
      .whereRef('d.delay_id', '=', 'held.delay_id')
      .whereRef('d.attempts', '=', 'held.attempt')
      .where('d.claimed', '=', true)
      .where('d.finalised_ts', 'is', null)
      .execute();
  }

  /** Notes that the event was sent. Whoever sent it is right: it was the same event every time. */
  async sent({ delayId }: ClaimedDelayedEvent, eventId: EventId): Promise<void> {
    await this.database.db
      .updateTable('delayed_events')
      .set({ finalised_ts: NOW_MS, claimed: false, event_id: eventId })
      .where('delay_id', '=', delayId)
      .where('finalised_ts', 'is', null)
      .execute();
  }

  /** Notes why the event was not sent and never will be. */
  async failed(event: ClaimedDelayedEvent, error: JsonObject): Promise<void> {
    await this.claimOf(event)
      .set({ finalised_ts: NOW_MS, claimed: false, error: JSON.stringify(error) })
      .execute();
  }

  /** Lets the event wait for its time again: it was certainly not sent. */
  async release(event: ClaimedDelayedEvent): Promise<void> {
    await this.claimOf(event)
      .set((eb) => ({ claimed: false, next_try_ts: eb.ref('due_ts') }))
      .execute();
  }

  /** Lets the claim end after that time: whether the event was sent is not known. */
  async tryAgainAfter(event: ClaimedDelayedEvent, ms: number): Promise<void> {
    await this.claimOf(event)
      .set({ next_try_ts: sql<number>`${NOW_MS} + ${ms}::bigint` })
      .execute();
  }

  /** Deletes what became of events long ago. @returns whether there may be more */
  async deleteFinalisedBefore(ageMs: number, limit: number): Promise<boolean> {
    const { numDeletedRows } = await this.database.db
      .deleteFrom('delayed_events')
      .where('delay_id', 'in', (query) =>
        query
          .selectFrom('delayed_events')
          .select('delay_id')
          .where('finalised_ts', '<', sql<number>`${NOW_MS} - ${ageMs}::bigint`)
          .orderBy('finalised_ts')
          .limit(limit),
      )
      .executeTakeFirst();
    return Number(numDeletedRows) === limit;
  }

  private async claim(
    db: Kysely<DatabaseSchema>,
    claimMs: number,
    choose: (candidates: Candidates) => Candidates,
  ): Promise<ClaimedDelayedEvent[]> {
    const rows = await db
      .with('chosen', (cte) => choose(candidatesIn(cte)))
      .updateTable('delayed_events as d')
      .from('chosen')
      .set((eb) => ({
        claimed: true,
        attempts: eb('d.attempts', '+', 1),
        next_try_ts: sql<number>`${NOW_MS} + ${claimMs}::bigint`,
      }))
      .whereRef('d.delay_id', '=', 'chosen.delay_id')
      .returning(DELAYED_EVENT_COLUMNS)
      .returning((eb) => [
        'd.attempts as attempt',
        'chosen.claimed as isRepeated',
        eb(NOW_MS, '-', eb.ref('d.due_ts')).as('overdueMs'),
      ])
      .execute();
    return rows.map(({ attempt, isRepeated, overdueMs, ...row }) => {
      return { ...toDelayedEvent(row), attempt, isRepeated, overdueMs };
    });
  }

  private claimOf({ delayId, attempt }: ClaimedDelayedEvent) {
    return this.database.db
      .updateTable('delayed_events')
      .where('delay_id', '=', delayId)
      .where('attempts', '=', attempt)
      .where('claimed', '=', true)
      .where('finalised_ts', 'is', null);
  }
}

type Candidates = ReturnType<typeof candidatesIn>;

function candidatesIn(db: Pick<Kysely<DatabaseSchema>, 'selectFrom'>) {
  return db
    .selectFrom('delayed_events as d')
    .select(['d.delay_id', 'd.claimed'])
    .where('d.finalised_ts', 'is', null)
    .forUpdate('d')
    .skipLocked();
}

/** Those of {@link shareOf} that are still due when they are locked: users send theirs without being asked to wait. */
function dueIn(candidates: Candidates, share: ClaimableShare): Candidates {
  return candidates
    .where('d.next_try_ts', '<=', NOW_MS)
    .where('d.delay_id', 'in', (query) => shareOf(query, share));
}
