import type { Config } from '@atoll/config';
import { PresenceChanged } from '@atoll/contract';
import {
  AccountTransactor,
  type Database,
  type DatabaseSchema,
  PresenceTransactor,
  ProfileTransactor,
  refreshDirectoryEntry,
} from '@atoll/database';
import { type JsonValue, MatrixError, type UserId, forbidden } from '@atoll/matrix';
import { Announcer } from '@atoll/redis-streams';
import { Inject, Injectable } from '@nestjs/common';
import type { Transaction } from 'kysely';
import { CONFIG, DATABASE } from '../platform/tokens.js';
import { MembershipFollower } from './membership-follower.js';
import { isMemberField, meansDeletion, requireFieldName, requireFieldValue } from './profile-field.js';

const MAX_PROFILE_BYTES = 65_536;

/**
 * Changes profiles. Display name and avatar are carried into the member events of the user's rooms, and told with the user's presence.
 * @see https://spec.matrix.org/v1.19/client-server-api/#events-on-change-of-profile-information
 */
@Injectable()
export class ChangeProfileHandler {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly memberships: MembershipFollower,
    private readonly announcer: Announcer,
    @Inject(CONFIG) private readonly config: Config,
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
    if (!isMemberField(name)) {
      await this.database.db.transaction().execute(change);
      return;
    }
    const taken = await this.memberships.follow(userId, 'update-profile', async (trx, closing) => {
      await change(trx);
      return this.config.presence ? new PresenceTransactor(trx, closing).tellAgain(userId) : undefined;
    });
    if (taken !== undefined) this.announcer.publish(PresenceChanged, { position: taken.at(0) });
  }
}
