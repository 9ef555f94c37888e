import type { Config } from '@atoll/config';
import { AccountTransactor } from '@atoll/database';
import { type JsonObject, MatrixError, forbidden, missingParam } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';
import { DeviceChanges } from '../device-changes.js';
import { PasswordCheck } from '../password-check.js';
import { RateLimiter } from '../rate-limiter.js';
import { issueSession } from '../session-issuer.js';
import { identifiedUser } from '../user-identifier.js';
import type { LoginRequest } from './login.schema.js';

/** Logs users in by password. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3login */
@Injectable()
export class LoginHandler {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly changes: DeviceChanges,
    private readonly passwords: PasswordCheck,
    private readonly rateLimiter: RateLimiter,
  ) {}

  async logIn(request: LoginRequest, ip: string): Promise<JsonObject> {
    // 1. Only passwords.
    if (request.type !== 'm.login.password') throw new MatrixError(400, 'M_UNKNOWN', 'Unknown type of login');
    const { password } = request;
    if (password === undefined) throw missingParam('Missing password');
    // 2. Not too often, per address and per account.
    const named = identifiedUser(request as JsonObject, this.config.serverName);
    await this.rateLimiter.take('login-address', ip);
    if (named) await this.rateLimiter.take('login-account', named);
    // 3. The right password.
    const account = await this.passwords.verify(named, password);
    // 4. A device and its tokens, unless the account was changed while the password was hashed.
    return this.changes.transact(async (change) => {
      const current = await new AccountTransactor(change.transaction).lock(account.userId);
      if (current?.passwordHash !== account.passwordHash) throw forbidden('The account has just changed');
      return issueSession(change, {
        userId: account.userId,
        deviceId: request.device_id,
        initialDisplayName: request.initial_device_display_name,
        canRefresh: request.refresh_token === true,
        ip,
      });
    });
  }
}
