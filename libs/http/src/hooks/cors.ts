import type { FastifyInstance } from 'fastify';

/** @see https://spec.matrix.org/v1.19/client-server-api/#web-browser-clients */
export const CORS_HEADERS = {
  'access-control-allow-origin': '*',
  'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
  'access-control-allow-headers': 'X-Requested-With, Content-Type, Authorization',
};

/** Lets web pages call every route, and answers preflights without running one. */
export function addCorsHook(instance: FastifyInstance): void {
  instance.addHook('onRequest', (request, reply, done) => {
    reply.headers(CORS_HEADERS);
    if (request.method === 'OPTIONS') reply.code(204).send();
    else done();
  });
}
