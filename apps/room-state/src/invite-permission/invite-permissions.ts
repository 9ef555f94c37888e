import { setImmediate } from 'node:timers/promises';
import type { AccountDataReader } from '@atoll/database';
import {
  INVITE_BLOCKED,
  INVITE_PERMISSION_TYPES,
  inviteVerdict,
  isUserId,
  MatrixError,
  type ServerName,
  serverNameOf,
  type UserId,
} from '@atoll/matrix';

/** Whether users of this server let themselves be invited. Those of other servers are asked by way of theirs. */
export class InvitePermissions {
  constructor(
    private readonly accountData: AccountDataReader,
    private readonly serverName: ServerName,
    /** By whom the server tells its users something, which nobody can refuse. */
    private readonly noticesUser: UserId | undefined,
  ) {}

  /**
   * Outside of a room's turn: it reads the database. An invite that is to be ignored is allowed: it is for syncs not to show it.
   * @param invited state keys of invites
   * @throws MatrixError 403 `M_INVITE_BLOCKED`
   * @see https://spec.matrix.org/v1.19/client-server-api/#invite-permission
   */
  async assertAllowed(inviter: UserId, invited: readonly string[]): Promise<void> {
    const local = invited.filter(isUserId).filter((user) => serverNameOf(user) === this.serverName);
    if (local.length === 0 || inviter === this.noticesUser) return;
    for (const [user, accountData] of await this.accountData.globalOf(local, INVITE_PERMISSION_TYPES)) {
      if (inviteVerdict(accountData, inviter) === 'block') {
        throw new MatrixError(403, INVITE_BLOCKED, `${user} does not take this invite`);
      }
      // Long lists of many users take their time, of which others need some.
      await setImmediate();
    }
  }
}
