import type { MatrixError } from '@atoll/matrix';
import type { FastifyReply } from 'fastify';

/** Sends the standard error response, with `Retry-After` where the error says when to come back. */
export function sendMatrixError(reply: FastifyReply, error: MatrixError): void {
  const retryAfterMs = error.extra['retry_after_ms'];
  if (typeof retryAfterMs === 'number') reply.header('retry-after', Math.ceil(retryAfterMs / 1000));
  // As bytes: to the type of anything else Fastify adds a charset, and not every error passes the hook that removes it.
  void reply
    .code(error.status)
    .header('content-type', 'application/json')
    .send(Buffer.from(JSON.stringify(error.body())));
}
