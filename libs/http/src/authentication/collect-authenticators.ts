import type { INestApplicationContext } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { AUTHENTICATOR_METADATA } from './authenticator.js';
import type { AuthenticationScheme, Authenticator } from './authenticator.js';

/** Finds the providers that `@AuthenticatorFor` marks. */
export function collectAuthenticators(
  app: INestApplicationContext,
  authenticators: Map<AuthenticationScheme, Authenticator>,
): void {
  for (const { metatype, instance } of app.get(DiscoveryService).getProviders()) {
    if (typeof metatype !== 'function') continue;
    const scheme = Reflect.getMetadata(AUTHENTICATOR_METADATA, metatype) as AuthenticationScheme | undefined;
    if (scheme !== undefined) authenticators.set(scheme, instance as Authenticator);
  }
}
