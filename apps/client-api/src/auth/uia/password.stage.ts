import type { Config } from '@atoll/config';
import { type JsonObject, MatrixError, forbidden } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';
import { PasswordCheck } from '../password-check.js';
import { RateLimiter } from '../rate-limiter.js';
import { identifiedUser } from '../user-identifier.js';
import { type AuthenticationSubject, type Stage, StageRefused } from './stage.js';

/** `m.login.password`, by the owner of the account only. @see https://spec.matrix.org/v1.19/client-server-api/#password-based */
@Injectable()
export class PasswordStage implements Stage {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly passwords: PasswordCheck,
    private readonly rateLimiter: RateLimiter,
  ) {}

  async attempt(auth: JsonObject, { userId }: AuthenticationSubject): Promise<true> {
    const { password } = auth;
    if (userId === undefined || identifiedUser(auth, this.config.serverName) !== userId) {
      throw forbidden('Only the owner of the account may do this');
    }
    if (typeof password !== 'string') throw new StageRefused('M_MISSING_PARAM', 'Missing password');
    await this.rateLimiter.take('password-account', userId);
    await this.passwords.verify(userId, password).catch((error: unknown) => {
      if (error instanceof MatrixError && error.errcode === 'M_FORBIDDEN') {
        throw new StageRefused('M_FORBIDDEN', 'Invalid password');
      }
      throw error;
    });
    return true;
  }
}
