import type { RouteOptions } from 'fastify';
import type { Authenticators } from '../authentication/authentication-hooks.js';

/**
 * Default deny: refuses an application with a route that declares no authentication, or one that nothing can check.
 * @throws {Error} naming every such route
 */
export function assertEveryRouteDeclaresAuthentication(
  routes: readonly RouteOptions[],
  authenticators: Authenticators,
): void {
  const problems = routes.flatMap((route) => {
    const problem = problemOf(route, authenticators);
    return problem === undefined ? [] : [`${[route.method].flat().join(',')} ${route.url} ${problem}`];
  });
  if (problems.length > 0) throw new Error(`Routes without authentication:\n${problems.join('\n')}`);
}

function problemOf({ config }: RouteOptions, authenticators: Authenticators): string | undefined {
  const declaration = config?.authentication;
  if (declaration === undefined) return 'declares nothing';
  if (declaration.scheme === 'public' || authenticators.has(declaration.scheme)) return undefined;
  return `needs an authenticator for ${declaration.scheme}`;
}
