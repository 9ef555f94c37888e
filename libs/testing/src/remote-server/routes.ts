import type { RemoteAnswer } from './remote-answer.js';
import type { ReceivedRequest } from './received-request.js';

export type RemoteHandler = (request: ReceivedRequest) => RemoteAnswer | Promise<RemoteAnswer>;

export interface RemoteRoute {
  readonly method: string;
  /** With `:name` for one percent-encoded part. */
  readonly pattern: string;
  readonly handler: RemoteHandler;
}

export interface MatchedRoute {
  readonly handler: RemoteHandler;
  readonly parameters: Record<string, string>;
}

/** Which handler answers what; a route set later goes before one set earlier. */
export class RouteTable {
  private routes: RemoteRoute[] = [];

  /** @returns takes the route away again */
  add(route: RemoteRoute): () => void {
    this.routes.unshift(route);
    return () => {
      this.routes = this.routes.filter((one) => one !== route);
    };
  }

  find(method: string, path: string): MatchedRoute | undefined {
    for (const route of this.routes) {
      const parameters = route.method === method ? matchPattern(route.pattern, path) : undefined;
      if (parameters !== undefined) return { handler: route.handler, parameters };
    }
    return undefined;
  }
}

function matchPattern(pattern: string, path: string): Record<string, string> | undefined {
  const [wanted, given] = [pattern.split('/'), path.split('/')];
  if (wanted.length !== given.length) return undefined;
  const parameters: Record<string, string> = {};
  for (const [index, part] of wanted.entries()) {
    const value = given[index] ?? '';
    if (part.startsWith(':')) parameters[part.slice(1)] = decode(value);
    else if (part !== value) return undefined;
  }
  return parameters;
}

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
