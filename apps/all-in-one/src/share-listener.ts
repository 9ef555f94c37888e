import { readFileSync } from 'node:fs';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';

interface Route {
  listener: string;
  path: string;
  service: string;
}

/** The paths on the client listener that media serves, of the path map that routers use where media is a process. */
export function mediaPaths(): string[] {
  const file = readFileSync(new URL('../../../deploy/routes.json', import.meta.url), 'utf8');
  const { routes } = JSON.parse(file) as { routes: Route[] };
  return routes
    .filter(({ listener, service }) => listener === 'client' && service === 'media')
    .map(({ path }) => path);
}

/** Gives the requests below `paths` that arrive at `server` to the handlers of `other`, in this process, with its patience. */
export function shareListener(server: Server, other: Server, paths: readonly string[]): void {
  const own = server.listeners('request');
  server.removeAllListeners('request');
  server.requestTimeout = Math.max(server.requestTimeout, other.requestTimeout);
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    if (paths.some((path) => request.url?.startsWith(path))) other.emit('request', request, response);
    else for (const listener of own) listener.call(server, request, response);
  });
}
