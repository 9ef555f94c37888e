import { SetMetadata } from '@nestjs/common';
import type { CustomDecorator } from '@nestjs/common';

/** What a route demands of its callers. */
export type AuthenticationDeclaration =
  | { readonly scheme: 'public' }
  | { readonly scheme: 'accessToken'; readonly optional: boolean; readonly allowGuest: boolean }
  | { readonly scheme: 'federationSignature' }
  | { readonly scheme: 'sharedSecret' };

export const AUTHENTICATION_METADATA = 'atoll:authentication';

/** Declares the authentication of a route, or of all routes of a controller. */
export function Authenticated(declaration: AuthenticationDeclaration): CustomDecorator {
  return SetMetadata(AUTHENTICATION_METADATA, declaration);
}

/** Anybody may call the route. */
export const Public = () => Authenticated({ scheme: 'public' });

/** A user's or an application service's access token; guests only where `allowGuest` says so. */
export const AccessToken = ({ allowGuest = false }: { allowGuest?: boolean } = {}) =>
  Authenticated({ scheme: 'accessToken', optional: false, allowGuest });

/** Anybody may call the route, but a token that is given must be valid. */
export const OptionalAccessToken = () =>
  Authenticated({ scheme: 'accessToken', optional: true, allowGuest: true });

/** A request that another homeserver signed. @see https://spec.matrix.org/v1.19/server-server-api/#request-authentication */
export const FederationSignature = () => Authenticated({ scheme: 'federationSignature' });

/** A request that proves to know a secret of this installation. */
export const SharedSecret = () => Authenticated({ scheme: 'sharedSecret' });
