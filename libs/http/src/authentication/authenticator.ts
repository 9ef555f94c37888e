import { Injectable, SetMetadata, applyDecorators } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import type { AuthenticationDeclaration } from './declare-authentication.js';

export type AuthenticationScheme = Exclude<AuthenticationDeclaration['scheme'], 'public'>;

/** Finds out who makes a request. An app provides one for each scheme that its routes declare. */
export interface Authenticator {
  /**
   * @returns the requester, or undefined where the declaration makes authentication optional
   * @throws {MatrixError} when the request may not pass
   */
  authenticate(
    request: FastifyRequest,
    declaration: AuthenticationDeclaration,
  ): object | undefined | Promise<object | undefined>;
}

export const AUTHENTICATOR_METADATA = 'atoll:authenticator';

/** Makes a provider the authenticator of a scheme. */
export function AuthenticatorFor(scheme: AuthenticationScheme): ClassDecorator {
  return applyDecorators(Injectable(), SetMetadata(AUTHENTICATOR_METADATA, scheme));
}
