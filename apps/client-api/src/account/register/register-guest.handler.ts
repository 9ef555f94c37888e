import type { Config } from '@atoll/config';
import { AccountTransactor } from '@atoll/database';
import { guestAccessForbidden, type JsonObject } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { DeviceChanges } from '../../auth/device-changes.js';
import { randomUserId, userInUse } from '../../auth/local-username.js';
import { RateLimiter } from '../../auth/rate-limiter.js';
import { issueSession } from '../../auth/session-issuer.js';
import { CONFIG } from '../../platform/tokens.js';

/** Makes accounts for guests: nobody proves anything, and nobody can log in to them again. */
@Injectable()
export class RegisterGuestHandler {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly changes: DeviceChanges,
    private readonly rateLimiter: RateLimiter,
  ) {}

  /**
   * The name and the device are the server's choice.
   * @throws MatrixError 403 `M_GUEST_ACCESS_FORBIDDEN` where there are no guests, 429
   * @see https://spec.matrix.org/v1.19/client-server-api/#guest-access
   */
  async register(initialDisplayName: string | undefined, ip: string): Promise<JsonObject> {
    if (!this.config.guestAccess) throw guestAccessForbidden('There are no guest accounts here');
    await this.rateLimiter.take('register-address', ip);
    const userId = randomUserId(this.config.serverName);
    return this.changes.transact(async (change) => {
      const account = { userId, passwordHash: null, isAdmin: false, isGuest: true };
      if (!(await new AccountTransactor(change.transaction).create(account))) throw userInUse();
      return issueSession(change, { userId, initialDisplayName, canRefresh: false, ip });
    });
  }
}
