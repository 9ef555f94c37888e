import { RegistrationTokenReader } from '@atoll/database';
import type { JsonObject } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { RateLimiter } from '../rate-limiter.js';
import { type AuthenticationSubject, type Stage, StageRefused } from './stage.js';

/**
 * `m.login.registration_token`: proves the token, which is spent when the account is made.
 * @see https://spec.matrix.org/v1.19/client-server-api/#token-authenticated-registration
 */
@Injectable()
export class RegistrationTokenStage implements Stage {
  constructor(
    private readonly tokens: RegistrationTokenReader,
    private readonly rateLimiter: RateLimiter,
  ) {}

  async attempt({ token }: JsonObject, { ip }: AuthenticationSubject): Promise<string> {
    await this.rateLimiter.take('registration-token-address', ip);
    if (!isRegistrationToken(token) || !(await this.tokens.isValid(token))) throw invalidRegistrationToken();
    return token;
  }
}

/** @see https://spec.matrix.org/v1.19/appendices/#opaque-identifiers */
export function isRegistrationToken(token: unknown): token is string {
  return typeof token === 'string' && /^[0-9A-Za-z._~-]{1,64}$/.test(token);
}

export const invalidRegistrationToken = () => new StageRefused('M_FORBIDDEN', 'Invalid registration token');
