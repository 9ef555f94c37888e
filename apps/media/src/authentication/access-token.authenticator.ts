import { AccessTokenResolver, type TokenHolder } from '@atoll/database';
import {
  type AuthenticationDeclaration,
  type Authenticator,
  AuthenticatorFor,
  authenticateAccessToken,
} from '@atoll/http';
import type { FastifyRequest } from 'fastify';

/** Lets requests in that carry the access token of somebody. */
@AuthenticatorFor('accessToken')
export class AccessTokenAuthenticator implements Authenticator {
  constructor(private readonly tokens: AccessTokenResolver) {}

  authenticate(
    request: FastifyRequest,
    declaration: AuthenticationDeclaration,
  ): Promise<TokenHolder | undefined> {
    return authenticateAccessToken(request, declaration, (token) => this.tokens.resolve(token, request.ip));
  }
}
