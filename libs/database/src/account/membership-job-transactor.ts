import type { UserId } from '@atoll/matrix';
import { sql, type Transaction } from 'kysely';
import type { DatabaseSchema } from '../schema/database-schema.js';
import type { MembershipJobKind } from '../schema/account-job.table.js';
import type { MembershipJob } from './membership-job-reader.js';

/** Writes what must still be done to all memberships of a user. Doing a job twice is harmless. */
export class MembershipJobTransactor {
  constructor(private readonly transaction: Transaction<DatabaseSchema>) {}

  /** Adds a job, claimed by the caller, in the transaction of the change that makes it necessary. */
  async add(userId: UserId, kind: MembershipJobKind, claimMs: number): Promise<MembershipJob> {
    const { revision } = await this.transaction
      .insertInto('membership_jobs')
      .values({ user_id: userId, kind, claimed_until: after(claimMs) })
      .onConflict((conflict) =>
        conflict.columns(['user_id', 'kind']).doUpdateSet((eb) => ({
          revision: eb('membership_jobs.revision', '+', 1),
          claimed_until: after(claimMs),
        })),
      )
      .returning('revision')
      .executeTakeFirstOrThrow();
    return { userId, kind, revision };
  }

  /** False when another instance was faster, or the job is done. */
  async claim({ userId, kind, revision }: MembershipJob, claimMs: number): Promise<boolean> {
    const { numUpdatedRows } = await this.transaction
      .updateTable('membership_jobs')
      .set({ claimed_until: after(claimMs) })
      .where('user_id', '=', userId)
      .where('kind', '=', kind)
      .where('revision', '=', revision)
      .where('claimed_until', '<', sql<Date>`now()`)
      .executeTakeFirst();
    return numUpdatedRows > 0n;
  }

  /** Ends the job, unless its reason came up again meanwhile. */
  async finish({ userId, kind, revision }: MembershipJob): Promise<void> {
    await this.transaction
      .deleteFrom('membership_jobs')
      .where('user_id', '=', userId)
      .where('kind', '=', kind)
      .where('revision', '=', revision)
      .execute();
  }
}

function after(milliseconds: number) {
  return sql<Date>`now() + make_interval(secs => ${milliseconds / 1000})`;
}
