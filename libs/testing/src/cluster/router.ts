import {
  Agent,
  createServer,
  request as httpRequest,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceName } from '@atoll/contract';
import { readRoutes, serviceFor } from './routes.js';

/** A request body up to this size is kept, so that it can be sent to another instance. */
const replayableBytes = 1024 * 1024;
const readinessEveryMs = 200;
/** How long a request waits for an instance that takes connections. */
const patienceMs = 15_000;

/** An instance of a service that may be running. */
export interface Upstream {
  readonly clientUrl: string;
  running(): boolean;
  ready(): Promise<boolean>;
}

export interface Router {
  readonly url: string;
  close(): Promise<void>;
}

/**
 * The local stand-in for a cluster's gateway: spreads requests over the ready instances of the service that
 * `deploy/routes.json` names. A request goes to another instance when the first one did not take it; never once one might
 * have begun to work on it.
 */
export async function startRouter(
  port: number,
  instances: (service: ServiceName) => Upstream[],
): Promise<Router> {
  const routes = readRoutes();
  const agent = new Agent({ keepAlive: true, maxFreeSockets: 64 });
  const balancer = new Balancer(instances);

  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://router').pathname;
    const service = serviceFor(routes, 'client', path);
    const answered = service
      ? forward(request, response, agent, () => balancer.next(service))
      : Promise.resolve(false);
    answered.then(
      (served) => {
        if (!served) unavailable(response);
      },
      () => {
        unavailable(response);
      },
    );
  });
  server.requestTimeout = 0;
  await new Promise<void>((resolve, reject) =>
    server.once('error', reject).listen(port, '127.0.0.1', resolve),
  );
  const watching = setInterval(() => void balancer.watch(), readinessEveryMs).unref();
  return {
    url: `http://127.0.0.1:${port}`,
    async close() {
      clearInterval(watching);
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      agent.destroy();
    },
  };
}

/** Round robin over the instances that said lately that they are ready. */
class Balancer {
  private readonly notReady = new Set<Upstream>();
  private turn = 0;

  constructor(private readonly instances: (service: ServiceName) => Upstream[]) {}

  next(service: ServiceName): Upstream | undefined {
    const all = this.instances(service).filter((instance) => instance.running());
    const ready = all.filter((instance) => !this.notReady.has(instance));
    const candidates = ready.length > 0 ? ready : all;
    this.turn += 1;
    return candidates[this.turn % candidates.length];
  }

  async watch(): Promise<void> {
    const watched = (['client-api', 'media'] as const).flatMap((service) => this.instances(service));
    await Promise.all(
      watched.map(async (instance) => {
        if (await instance.ready()) this.notReady.delete(instance);
        else this.notReady.add(instance);
      }),
    );
  }
}

/** @returns false when no instance took the request */
async function forward(
  request: IncomingMessage,
  response: ServerResponse,
  agent: Agent,
  next: () => Upstream | undefined,
): Promise<boolean> {
  const body = await readBody(request);
  const deadline = Date.now() + patienceMs;
  while (Date.now() < deadline && !response.destroyed) {
    const instance = next();
    const outcome = instance
      ? await attempt(request, response, agent, instance.clientUrl, body)
      : 'not taken';
    if (outcome === 'answered') return true;
    if (outcome === 'broken' || body === undefined) return false;
    await sleep(20);
  }
  return false;
}

/** The whole body, or undefined for one that is too large to keep and has to be streamed. */
async function readBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const length = request.headers['content-length'];
  if (request.headers['transfer-encoding'] !== undefined || Number(length ?? 0) > replayableBytes)
    return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function attempt(
  request: IncomingMessage,
  response: ServerResponse,
  agent: Agent,
  base: string,
  body: Buffer | undefined,
): Promise<'answered' | 'not taken' | 'broken'> {
  return new Promise((resolve) => {
    const headers = { ...request.headers, 'x-forwarded-for': request.socket.remoteAddress ?? '' };
    const target = `${base}${request.url ?? '/'}`;
    const upstream = httpRequest(target, { method: request.method, headers, agent: body ? agent : false });
    const abandon = () => upstream.destroy();
    response.once('close', abandon);
    upstream.once('response', (answer) => {
      response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
      pipeline(answer, response).then(
        () => {
          resolve('answered');
        },
        () => {
          response.destroy();
          resolve('answered');
        },
      );
    });
    upstream.on('error', (error: NodeJS.ErrnoException) => {
      response.off('close', abandon);
      // A kept connection that the instance closed just now carried nothing to it.
      const stale = upstream.reusedSocket && (error.code === 'ECONNRESET' || error.code === 'EPIPE');
      resolve(error.code === 'ECONNREFUSED' || stale ? 'not taken' : 'broken');
    });
    if (body) upstream.end(body);
    else request.pipe(upstream);
  });
}

function unavailable(response: ServerResponse): void {
  if (response.headersSent) return void response.destroy();
  response.writeHead(502, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ errcode: 'M_UNKNOWN', error: 'No instance of the service answered' }));
}
