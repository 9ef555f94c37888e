import type { FastifyInstance } from 'fastify';
import type { Draining } from './draining.js';

/** Corrects the headers of answers: JSON without a charset, as clients compare it; no further request on a draining connection. */
export function addAnswerHeadersHook(instance: FastifyInstance, draining: Draining): void {
  instance.addHook('onSend', (_request, reply, payload, done) => {
    if (reply.getHeader('content-type') === 'application/json; charset=utf-8') {
      reply.header('content-type', 'application/json');
    }
    if (draining.active) reply.header('connection', 'close');
    done(null, payload);
  });
}
