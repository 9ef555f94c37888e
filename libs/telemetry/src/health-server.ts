import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { prometheus } from './metrics.js';

export interface HealthServerOptions {
  readonly host: string;
  readonly port: number;
  /** How long a readiness check may take, in ms. */
  readonly checkTimeoutMs?: number;
}

/** Resolves when what it checks works, throws when not. */
export type ReadinessCheck = () => void | Promise<void>;

/** Serves `/health/live`, `/health/ready` and `/metrics`. It is not ready before `setReady(true)`. */
export class HealthServer {
  private readonly checks = new Map<string, ReadinessCheck>();
  private readonly server = createServer((request, response) => void this.answer(request, response));
  private ready = false;

  constructor(private readonly options: HealthServerOptions) {}

  /** Adds something that must work for this process to be ready. */
  addCheck(name: string, check: ReadinessCheck): void {
    this.checks.set(name, check);
  }

  /** False until the start is complete, and again from the moment that the process stops. */
  setReady(ready: boolean): void {
    this.ready = ready;
  }

  /** @returns the port, which matters when the configured one is 0 */
  async listen(): Promise<number> {
    await new Promise<void>((resolve, reject) => {
      this.server.once('error', reject).listen(this.options.port, this.options.host, resolve);
    });
    return (this.server.address() as AddressInfo).port;
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (request.url) {
      case '/metrics':
        prometheus.getMetricsRequestHandler(request, response);
        return;
      case '/health/live':
        sendJson(response, 200, { live: true });
        return;
      case '/health/ready': {
        const failures = await this.failures();
        const ready = this.ready && Object.keys(failures).length === 0;
        sendJson(response, ready ? 200 : 503, { ready, failures });
        return;
      }
      default:
        sendJson(response, 404, { error: 'not found' });
    }
  }

  private async failures(): Promise<Record<string, string>> {
    const results = await Promise.all(
      [...this.checks].map(async ([name, check]) => [name, await this.failureOf(check)] as const),
    );
    return Object.fromEntries(
      results.filter((result): result is [string, string] => result[1] !== undefined),
    );
  }

  private async failureOf(check: ReadinessCheck): Promise<string | undefined> {
    const timeoutMs = this.options.checkTimeoutMs ?? 2000;
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<string>((resolve) => {
      timer = setTimeout(resolve, timeoutMs, `no answer within ${timeoutMs} ms`);
    });
    try {
      return await Promise.race([Promise.resolve(check()).then(() => undefined), timeout]);
    } catch (error) {
      return error instanceof Error ? error.message : 'failed';
    } finally {
      clearTimeout(timer);
    }
  }
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
}
