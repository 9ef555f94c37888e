import { MatrixError, forbidden, guestAccessForbidden } from '@atoll/matrix';
import type { DeviceId, UserId } from '@atoll/matrix';
import type { FastifyRequest } from 'fastify';
import type { AuthenticationDeclaration } from './declare-authentication.js';

/** The holder of an access token. */
export interface UserRequester {
  readonly userId: UserId;
  /** Absent for an application service that names no device. */
  readonly deviceId?: DeviceId;
  readonly isGuest: boolean;
}

/** Who holds the token; undefined when nobody does, `expired` when its holder can get another one by refreshing. */
export type ResolveToken<R extends UserRequester> = (
  token: string,
  request: FastifyRequest,
) => Promise<R | 'expired' | undefined> | R | 'expired' | undefined;

/**
 * The body of an authenticator for access tokens.
 * @throws {MatrixError} 401 `M_MISSING_TOKEN`, 401 `M_UNKNOWN_TOKEN`, 403 `M_GUEST_ACCESS_FORBIDDEN`
 * @see https://spec.matrix.org/v1.19/client-server-api/#using-access-tokens
 */
export async function authenticateAccessToken<R extends UserRequester>(
  request: FastifyRequest,
  declaration: AuthenticationDeclaration,
  resolve: ResolveToken<R>,
): Promise<R | undefined> {
  if (declaration.scheme !== 'accessToken') throw forbidden('This route takes no access token');
  const token = accessTokenOf(request);
  if (token === undefined) {
    if (declaration.optional) return undefined;
    throw new MatrixError(401, 'M_MISSING_TOKEN', 'Missing access token');
  }
  const requester = await resolve(token, request);
  if (requester === undefined || requester === 'expired') throw unknownToken(requester === 'expired');
  if (requester.isGuest && !declaration.allowGuest) {
    throw guestAccessForbidden('Guests may not do this');
  }
  return requester;
}

export const unknownToken = (softLogout = false) =>
  new MatrixError(401, 'M_UNKNOWN_TOKEN', 'Unrecognised access token', { soft_logout: softLogout });

/** From `Authorization: Bearer`, else from the query, which clients up to Matrix 1.19 may still use. */
export function accessTokenOf(request: FastifyRequest): string | undefined {
  const header = request.headers.authorization;
  if (header !== undefined) return /^Bearer +(\S+) *$/i.exec(header)?.[1];
  const token = (request.query as Record<string, unknown>)['access_token'];
  return typeof token === 'string' && token !== '' ? token : undefined;
}
