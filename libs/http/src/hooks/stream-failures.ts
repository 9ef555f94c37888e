import { Readable } from 'node:stream';
import { logError } from '@atoll/telemetry';
import type { Logger } from '@atoll/telemetry';
import { context } from '@opentelemetry/api';
import type { FastifyInstance } from 'fastify';

/**
 * Logs what makes a streamed answer end in the middle. Its head is out then: Fastify cuts the connection, so that nobody takes the part
 * for the whole, and no filter hears of it. What fails before goes to the filter like any error.
 */
export function addStreamFailureHook(instance: FastifyInstance, logger: Logger): void {
  instance.addHook('onSend', (request, reply, payload, done) => {
    if (payload instanceof Readable) {
      const log = (error: Error) => {
        if (!reply.raw.headersSent) return;
        const route = request.routeOptions.url ?? 'unmatched';
        logError(logger, error, `${request.method} ${route} failed in the middle of its answer`);
      };
      // A stream may tell of its error outside of the request's trace.
      payload.once('error', context.bind(context.active(), log));
    }
    done(null, payload);
  });
}
