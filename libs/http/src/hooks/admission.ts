import { overloaded } from '@atoll/matrix';
import { observableGauge } from '@atoll/telemetry';
import type { FastifyInstance } from 'fastify';

const RETRY_AFTER_MS = 1000;

/**
 * Bounds the requests in flight: past the bound callers get 503 `M_LIMIT_EXCEEDED` at once. Long polls wait without work and
 * are only counted.
 */
export function addAdmissionHooks(instance: FastifyInstance, listener: string, maxInFlight: number): void {
  const inFlight = { short: 0, long_poll: 0 };
  instance.addHook('onRequest', (request, reply, done) => {
    const kind = request.routeOptions.config.longPoll === true ? 'long_poll' : 'short';
    inFlight[kind]++;
    // Fastify's onResponse does not run when the client has gone away; `close` always comes.
    reply.raw.once('close', () => {
      inFlight[kind]--;
    });
    if (kind === 'short' && inFlight.short > maxInFlight) done(overloaded(RETRY_AFTER_MS));
    else done();
  });
  const stop = observableGauge('atoll_http_requests_in_flight', 'Requests being served', (result) => {
    result.observe(inFlight.short, { listener, kind: 'short' });
    result.observe(inFlight.long_poll, { listener, kind: 'long_poll' });
  });
  instance.addHook('onClose', (_instance, done) => {
    stop();
    done();
  });
}
