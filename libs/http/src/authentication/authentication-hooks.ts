import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { AuthenticationScheme, Authenticator } from './authenticator.js';
import type { AuthenticationDeclaration } from './declare-authentication.js';

export type Authenticators = ReadonlyMap<AuthenticationScheme, Authenticator>;

/**
 * Authenticates every request by what its route declares: tokens before the body is read, so that strangers cannot make
 * the server parse; signatures and secrets, which cover the body, after it.
 */
export function addAuthenticationHooks(instance: FastifyInstance, authenticators: Authenticators): void {
  instance.addHook('onRequest', (request, _reply, done) => {
    const declaration = request.routeOptions.config.authentication;
    if (declaration?.scheme !== 'accessToken') done();
    else
      authenticate(request, declaration, authenticators).then(() => {
        done();
      }, done);
  });
  instance.addHook('preHandler', (request, _reply, done) => {
    const declaration = request.routeOptions.config.authentication;
    if (declaration === undefined || declaration.scheme === 'public' || declaration.scheme === 'accessToken')
      done();
    else
      authenticate(request, declaration, authenticators).then(() => {
        done();
      }, done);
  });
}

async function authenticate(
  request: FastifyRequest,
  declaration: Exclude<AuthenticationDeclaration, { scheme: 'public' }>,
  authenticators: Authenticators,
): Promise<void> {
  const authenticator = authenticators.get(declaration.scheme);
  if (authenticator === undefined) throw new Error(`There is no authenticator for ${declaration.scheme}`);
  request.requester = await authenticator.authenticate(request, declaration);
}
