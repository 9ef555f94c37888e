import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AuthenticationScheme, Authenticator } from './authenticator.js';

export type Authenticators = ReadonlyMap<AuthenticationScheme, Authenticator>;

/**
 * Gives every route the check that it declares: tokens before the body is read, so that strangers cannot make the server
 * parse; signatures and secrets, which cover the body, after it.
 */
export function addAuthentication(instance: FastifyInstance, authenticators: Authenticators): void {
  instance.addHook('onRoute', (route) => {
    const scheme = route.config?.authentication?.scheme;
    if (scheme === undefined || scheme === 'public') return;
    const stage = scheme === 'accessToken' ? 'onRequest' : 'preHandler';
    // Fastify derives HEAD routes from GET routes with their hooks.
    const others = [route[stage] ?? []].flat().filter((hook) => hook !== authenticate);
    route[stage] = [...others, authenticate] as NonNullable<(typeof route)[typeof stage]>;
  });

  async function authenticate(request: FastifyRequest): Promise<void> {
    const declaration = request.routeOptions.config.authentication;
    const authenticator = authenticators.get(declaration?.scheme as AuthenticationScheme);
    if (declaration === undefined || authenticator === undefined)
      throw new Error('The route has no authenticator');
    request.requester = await authenticator.authenticate(request, declaration);
  }
}
