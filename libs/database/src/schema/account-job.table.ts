import type { Generated } from 'kysely';
import type { UserId } from '@atoll/matrix';

export type MembershipJobKind = 'update-profile' | 'leave-all';

/** What must still be done to all memberships of a user, written in the commit that made it necessary. */
export interface MembershipJobsTable {
  user_id: UserId;
  kind: MembershipJobKind;
  /** Grows when the reason comes up again, so that work on an older one does not end it; never the same for two reasons. */
  revision: Generated<number>;
  /** Nobody else works on it until then. */
  claimed_until: Date;
}
