import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ServiceName } from '@atoll/contract';
import { repositoryRoot } from '../repository.js';

export type Listener = 'client' | 'federation';

export interface Route {
  listener: Listener;
  /** Covers everything below it when it ends in `/`, else just itself. */
  path: string;
  service: ServiceName;
}

/** The path map of the whole project, `deploy/routes.json`. */
export function readRoutes(): Route[] {
  const file = JSON.parse(readFileSync(join(repositoryRoot, 'deploy/routes.json'), 'utf8')) as {
    routes: Route[];
  };
  return file.routes;
}

/** The service that answers `path` on a listener: the first route that matches. */
export function serviceFor(
  routes: readonly Route[],
  listener: Listener,
  path: string,
): ServiceName | undefined {
  const covers = (route: Route) =>
    route.path.endsWith('/') ? path.startsWith(route.path) : path === route.path;
  return routes.find((route) => route.listener === listener && covers(route))?.service;
}
