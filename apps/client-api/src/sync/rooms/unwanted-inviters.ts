import { setImmediate } from 'node:timers/promises';
import type { Config } from '@atoll/config';
import { AccountDataReader } from '@atoll/database';
import { INVITE_PERMISSION_TYPES, inviteVerdict, type UserId } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';

/** Whose invites a user is not shown. */
@Injectable()
export class UnwantedInviters {
  constructor(
    private readonly accountData: AccountDataReader,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Those whose invites the user blocks or ignores. Invites can be there nevertheless: from before they were blocked, or by an event
   * of another server in a room that this server is in. What the server has to say is said to all.
   * @see https://spec.matrix.org/v1.19/client-server-api/#invite-permission
   */
  async among(userId: UserId, inviters: ReadonlySet<UserId>): Promise<Set<UserId>> {
    if (inviters.size === 0) return new Set();
    const accountData = (await this.accountData.globalOf([userId], INVITE_PERMISSION_TYPES)).get(userId);
    const unwanted = new Set<UserId>();
    if (accountData === undefined) return unwanted;
    for (const inviter of inviters) {
      if (inviter === this.config.serverNotices?.userId) continue;
      if (inviteVerdict(accountData, inviter) !== 'allow') unwanted.add(inviter);
      // Long lists and many invites take their time, of which others need some.
      await setImmediate();
    }
    return unwanted;
  }
}
