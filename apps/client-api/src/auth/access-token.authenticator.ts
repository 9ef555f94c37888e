import { AccessTokenResolver } from '@atoll/database';
import {
  type AuthenticationDeclaration,
  type Authenticator,
  AuthenticatorFor,
  authenticateAccessToken,
} from '@atoll/http';
import type { FastifyRequest } from 'fastify';
import type { RequesterInfo } from './requester-info.js';

/** Lets requests in that carry the access token of somebody. */
@AuthenticatorFor('accessToken')
export class AccessTokenAuthenticator implements Authenticator {
  constructor(private readonly tokens: AccessTokenResolver) {}

  authenticate(
    request: FastifyRequest,
    declaration: AuthenticationDeclaration,
  ): Promise<RequesterInfo | undefined> {
    return authenticateAccessToken(request, declaration, (token) => this.tokens.resolve(token, request.ip));
  }
}
