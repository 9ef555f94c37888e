import { sql } from 'kysely';
import type { UserId } from '@atoll/matrix';
import type { Database } from '../open-database.js';
import type { MembershipJobKind } from '../schema/account-job.table.js';

export interface MembershipJob {
  readonly userId: UserId;
  readonly kind: MembershipJobKind;
  readonly revision: number;
}

/** Finds memberships that still have to follow a change of their user's account. */
export class MembershipJobReader {
  constructor(private readonly database: Database) {}

  /** Jobs that nobody works on, oldest first: their instance has died, or rooms were unreachable. */
  async unclaimed(limit: number): Promise<MembershipJob[]> {
    return this.database.db
      .selectFrom('membership_jobs')
      .select(['user_id as userId', 'kind', 'revision'])
      .where('claimed_until', '<', sql<Date>`now()`)
      .orderBy('claimed_until')
      .limit(limit)
      .execute();
  }
}
