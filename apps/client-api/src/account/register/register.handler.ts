import type { Config } from '@atoll/config';
import {
  AccessTokenResolver,
  AccountReader,
  AccountTransactor,
  RegistrationTokenTransactor,
} from '@atoll/database';
import { forbidden, type JsonObject, MatrixError, type UserId, missingParam } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { DeviceChanges } from '../../auth/device-changes.js';
import { newUserId, randomUserId, userInUse } from '../../auth/local-username.js';
import { PasswordHasher } from '../../auth/password-hasher.js';
import { requireStrongPassword } from '../../auth/password-policy.js';
import { RateLimiter } from '../../auth/rate-limiter.js';
import { issueSession } from '../../auth/session-issuer.js';
import { UserInteractiveAuth } from '../../auth/uia/user-interactive-auth.js';
import { CONFIG } from '../../platform/tokens.js';
import type { RegisterRequest } from './register.schema.js';
import { registrationFlows } from './registration-flows.js';

/** Makes accounts for strangers, and users of guests. @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3register */
@Injectable()
export class RegisterHandler {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly changes: DeviceChanges,
    private readonly accounts: AccountReader,
    private readonly tokens: AccessTokenResolver,
    private readonly authentication: UserInteractiveAuth,
    private readonly hasher: PasswordHasher,
    private readonly rateLimiter: RateLimiter,
  ) {}

  async register(request: RegisterRequest, ip: string): Promise<JsonObject> {
    // 1. What is wrong with the request itself is told before anybody authenticates.
    const flows = registrationFlows(this.config);
    const { serverName } = this.config;
    const userId =
      request.username === undefined ? randomUserId(serverName) : newUserId(request.username, serverName);
    // As for `checkAvailable`: this tells whether there is such an account.
    if (request.username !== undefined) await this.rateLimiter.take('username-address', ip);
    const isGuest = request.guest_access_token !== undefined;
    if (isGuest) await this.requireGuest(request, userId, ip);
    else await this.requireFree(userId);
    if (request.password !== undefined) requireStrongPassword(request.password);
    // 2. Authentication.
    const { auth } = request;
    const proofs = await this.authentication.require({ operation: 'register', flows, auth, ip });
    if (request.password === undefined) throw missingParam('Missing password');
    await this.rateLimiter.take('register-address', ip);
    // 3. The account, with a device unless the client wants none. A guest keeps those that were there, as everything else.
    const token = proofs['m.login.registration_token'];
    const passwordHash = await this.hasher.hash(request.password);
    return this.changes.transact(async (change) => {
      if (
        typeof token === 'string' &&
        !(await new RegistrationTokenTransactor(change.transaction).spend(token))
      ) {
        throw new MatrixError(403, 'M_FORBIDDEN', 'The registration token has just been used up');
      }
      const accounts = new AccountTransactor(change.transaction);
      const isMade = isGuest
        ? await accounts.upgradeGuest(userId, passwordHash)
        : await accounts.create({ userId, passwordHash, isAdmin: false });
      if (!isMade) throw userInUse();
      if (request.inhibit_login) return { user_id: userId };
      return issueSession(change, {
        userId,
        deviceId: request.device_id,
        initialDisplayName: request.initial_device_display_name,
        canRefresh: request.refresh_token === true,
        ip,
      });
    });
  }

  /**
   * Whether somebody could register with this username now.
   * @throws MatrixError 400 M_INVALID_USERNAME, M_USER_IN_USE
   */
  async checkAvailable(username: string, ip: string): Promise<void> {
    registrationFlows(this.config);
    await this.rateLimiter.take('username-address', ip);
    await this.requireFree(newUserId(username, this.config.serverName));
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#guest-access */
  private async requireGuest(request: RegisterRequest, userId: UserId, ip: string): Promise<void> {
    if (request.username === undefined) throw missingParam('Missing username');
    const holder = await this.tokens.resolve(request.guest_access_token ?? '', ip);
    const isTheirs =
      holder !== undefined && holder !== 'expired' && holder.isGuest && holder.userId === userId;
    if (!isTheirs) throw forbidden('This is not the access token of a guest of this name');
  }

  private async requireFree(userId: UserId): Promise<void> {
    if ((await this.accounts.existing([userId])).has(userId)) throw userInUse();
  }
}
