import {
  type Database,
  DeviceTransactor,
  type TokenOwner,
  TokenReader,
  TokenTransactor,
} from '@atoll/database';
import {
  type AuthenticationDeclaration,
  type Authenticator,
  AuthenticatorFor,
  authenticateAccessToken,
  unknownToken,
} from '@atoll/http';
import { Inject } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { DATABASE } from '../platform/tokens.js';
import type { RequesterInfo } from './requester-info.js';
import { hashToken } from './secret-token.js';

/** A device's last use is recorded this exactly, so that most requests write nothing. */
const SEEN_PRECISION_MS = 5 * 60_000;

/**
 * Finds the holder of an access token. One indexed read for each request and no cache: a token that is revoked is dead on
 * every instance at once.
 */
@AuthenticatorFor('accessToken')
export class AccessTokenAuthenticator implements Authenticator {
  constructor(
    private readonly tokens: TokenReader,
    @Inject(DATABASE) private readonly database: Database,
  ) {}

  authenticate(
    request: FastifyRequest,
    declaration: AuthenticationDeclaration,
  ): Promise<RequesterInfo | undefined> {
    return authenticateAccessToken(request, declaration, (token) => this.resolve(token, request.ip));
  }

  private async resolve(token: string, ip: string): Promise<RequesterInfo | undefined> {
    const tokenHash = hashToken(token);
    const owner = await this.tokens.ownerOf(tokenHash);
    if (!owner) return undefined;
    if (owner.expiresTs !== null && owner.expiresTs <= Date.now()) throw unknownToken(true);
    if (owner.isUnconfirmed) {
      await this.database.db.transaction().execute((trx) => new TokenTransactor(trx).confirm(tokenHash));
    }
    if (Date.now() - owner.lastSeenTs > SEEN_PRECISION_MS) await this.markSeen(owner, ip);
    return { userId: owner.userId, deviceId: owner.deviceId, isGuest: false, isAdmin: owner.isAdmin };
  }

  private async markSeen({ userId, deviceId }: TokenOwner, ip: string): Promise<void> {
    await this.database.db
      .transaction()
      .execute((trx) => new DeviceTransactor(trx).markSeen(userId, deviceId, ip));
  }
}
