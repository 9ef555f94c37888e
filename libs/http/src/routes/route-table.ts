import findMyWay from 'find-my-way';
import type { HTTPMethod } from 'find-my-way';
import { MatrixError, unrecognized } from '@atoll/matrix';
import type { FastifyInstance, FastifyReply, RouteOptions } from 'fastify';

export interface RouterOptions {
  readonly caseSensitive: boolean;
  readonly ignoreTrailingSlash: boolean;
  readonly maxParamLength: number;
}

/** Every route of an application, to tell an unknown path from a wrong method and to check what routes declare. */
export class RouteTable {
  readonly routes: RouteOptions[] = [];
  private readonly router;
  private readonly methods = new Set<HTTPMethod>();

  constructor(options: RouterOptions) {
    this.router = findMyWay(options);
  }

  /** Collects the routes as they are registered, and answers requests that match none. */
  addTo(instance: FastifyInstance): void {
    instance.addHook('onRoute', (route) => {
      const { bodyLimit } = route.config ?? {};
      if (bodyLimit !== undefined) route.bodyLimit = bodyLimit;
      this.routes.push(route);
      const methods = [route.method].flat() as HTTPMethod[];
      this.router.on(methods, route.url, () => undefined);
      for (const method of methods) this.methods.add(method);
    });
    instance.addHook('onRequest', (request, reply, done) => {
      if (request.is404) done(this.refuse(request.url, reply));
      else done();
    });
  }

  private refuse(url: string, reply: FastifyReply): MatrixError {
    const path = url.split('?', 1)[0] ?? '';
    const methods = [...this.methods].filter((method) => this.router.find(method, path) !== null);
    if (methods.length === 0) return unrecognized(404);
    void reply.header('allow', methods.join(', '));
    return unrecognized(405);
  }
}
