import type { UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';
import type { MembershipJobKind } from '../schema/account-job.table.js';
import type { MembershipJob } from './membership-job-reader.js';

/**
 * Writes what must still be done to all memberships of a user. One instance at a time works on a job: it holds a claim,
 * renews it, and starts over when the revision rose meanwhile, so that the newest change is the last to be carried out.
 */
export class MembershipJobTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /**
   * Adds a job in the transaction of the change that makes it necessary, or raises its revision.
   * @returns the job when the caller has the claim; undefined when another instance does, which will see the revision
   */
  async add(userId: UserId, kind: MembershipJobKind, claimMs: number): Promise<MembershipJob | undefined> {
    const claimedUntil = after(claimMs);
    const { revision, isMine } = await this.transaction
      .insertInto('membership_jobs')
      .values({ user_id: userId, kind, revision: NEW_REVISION, claimed_until: claimedUntil })
      .onConflict((conflict) =>
        conflict.columns(['user_id', 'kind']).doUpdateSet((eb) => ({
          revision: eb('membership_jobs.revision', '+', 1),
          claimed_until: sql<Date>`CASE WHEN membership_jobs.claimed_until < now() THEN ${claimedUntil}
            ELSE membership_jobs.claimed_until END`,
        })),
      )
      // now() is the start of this transaction: only its own claim ends exactly then.
      .returning(['revision', sql<boolean>`claimed_until = ${claimedUntil}`.as('isMine')])
      .executeTakeFirstOrThrow();
    return isMine ? { userId, kind, revision } : undefined;
  }

  /** Takes over a job that nobody works on; undefined when another instance was faster, or it is done. */
  async claim({ userId, kind }: MembershipJob, claimMs: number): Promise<MembershipJob | undefined> {
    const row = await this.#update(userId, kind, after(claimMs))
      .where('claimed_until', '<', sql<Date>`now()`)
      .returning('revision')
      .executeTakeFirst();
    return row && { userId, kind, revision: row.revision };
  }

  /** Extends the caller's claim; the job as it is now. */
  async renew({ userId, kind }: MembershipJob, claimMs: number): Promise<MembershipJob | undefined> {
    const row = await this.#update(userId, kind, after(claimMs)).returning('revision').executeTakeFirst();
    return row && { userId, kind, revision: row.revision };
  }

  /** Gives the job up unfinished. */
  async release({ userId, kind }: MembershipJob): Promise<void> {
    await this.#update(userId, kind, after(-1)).execute();
  }

  /** Ends the job; false when its reason came up again meanwhile. */
  async finish({ userId, kind, revision }: MembershipJob): Promise<boolean> {
    const { numDeletedRows } = await this.transaction
      .deleteFrom('membership_jobs')
      .where('user_id', '=', userId)
      .where('kind', '=', kind)
      .where('revision', '=', revision)
      .executeTakeFirst();
    return numDeletedRows > 0n;
  }

  #update(userId: UserId, kind: MembershipJobKind, claimedUntil: ReturnType<typeof after>) {
    return this.transaction
      .updateTable('membership_jobs')
      .set({ claimed_until: claimedUntil })
      .where('user_id', '=', userId)
      .where('kind', '=', kind);
  }
}

/** From the clock: revisions of a job that is added again after its end must not repeat, as commands carry them. */
const NEW_REVISION = sql<number>`(extract(epoch FROM clock_timestamp()) * 1000000)::bigint`;

function after(milliseconds: number) {
  return sql<Date>`now() + make_interval(secs => ${milliseconds / 1000})`;
}
