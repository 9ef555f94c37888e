import {
  AccountTransactor,
  type Database,
  type DatabaseSchema,
  ProfileTransactor,
  refreshDirectoryEntry,
} from '@atoll/database';
import { type JsonValue, MatrixError, type UserId, forbidden } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import type { Transaction } from 'kysely';
import { DATABASE } from '../platform/tokens.js';
import { MembershipFollower } from './membership-follower.js';
import { isMemberField, meansDeletion, requireFieldName, requireFieldValue } from './profile-field.js';

const MAX_PROFILE_BYTES = 65_536;

/** Changes profiles; display name and avatar are carried into the member events of the user's rooms. */
@Injectable()
export class ChangeProfileHandler {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly memberships: MembershipFollower,
  ) {}

  /** @throws MatrixError 400 for what the field may not hold or the profile cannot */
  async set(userId: UserId, name: string, value: JsonValue): Promise<void> {
    requireFieldName(name);
    requireFieldValue(name, value);
    if (meansDeletion(name, value)) {
      await this.delete(userId, name);
      return;
    }
    await this.change(userId, name, async (profiles) => {
      await profiles.setField(userId, name, value);
      if ((await profiles.size(userId)) >= MAX_PROFILE_BYTES) {
        throw new MatrixError(
          400,
          'M_PROFILE_TOO_LARGE',
          `A profile must stay below ${MAX_PROFILE_BYTES} bytes`,
        );
      }
    });
  }

  /** @throws MatrixError 400 for an impossible name */
  async delete(userId: UserId, name: string): Promise<void> {
    requireFieldName(name);
    await this.change(userId, name, (profiles) => profiles.deleteField(userId, name));
  }

  private async change(
    userId: UserId,
    name: string,
    work: (profiles: ProfileTransactor) => Promise<void>,
  ): Promise<void> {
    const change = async (trx: Transaction<DatabaseSchema>) => {
      if (!(await new AccountTransactor(trx).lock(userId))) throw forbidden('The account is gone');
      await work(new ProfileTransactor(trx));
      if (isMemberField(name)) await refreshDirectoryEntry(trx, userId);
    };
    if (isMemberField(name)) await this.memberships.follow(userId, 'update-profile', change);
    else await this.database.db.transaction().execute(change);
  }
}
