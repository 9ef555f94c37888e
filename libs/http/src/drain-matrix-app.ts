import { Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Draining } from './hooks/draining.js';

export interface DrainOptions {
  /** Ms in which requests are still accepted, so that routers notice first that this process is not ready. */
  readonly graceMs: number;
  /** Ms that requests under way may take after that. */
  readonly timeoutMs?: number;
}

/** How long a connection without a request may still bring one, after the listener is closed. */
const LINGER_MS = 500;

/**
 * Stops the listener without failing a request: answers ask for another connection, then long polls end, nothing new is
 * accepted, and what is under way finishes. The application itself lives on: close it after everything that uses it.
 */
export async function drainMatrixApp(app: NestFastifyApplication, options: DrainOptions): Promise<void> {
  const draining = app.get(Draining);
  draining.active = true;
  await sleep(options.graceMs);
  draining.endWaits();
  const server = app.getHttpServer();
  const idle = setTimeout(() => {
    server.closeIdleConnections();
  }, LINGER_MS);
  const timer = setTimeout(() => {
    server.closeAllConnections();
  }, options.timeoutMs ?? 15_000);
  await new Promise<void>((resolve) => {
    // Unlike the HTTP server's own close, this leaves connections alone that were just made and have sent nothing yet.
    Server.prototype.close.call(server, () => {
      resolve();
    });
  });
  clearTimeout(idle);
  clearTimeout(timer);
}
