import { logError } from '@atoll/telemetry';
import type { Logger } from '@atoll/telemetry';
import { Catch } from '@nestjs/common';
import type { ArgumentsHost, ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { sendMatrixError } from './send-matrix-error.js';
import { toMatrixError } from './to-matrix-error.js';

/** Answers every error in Matrix's form; what is our fault is logged, once, with the trace. */
@Catch()
export class MatrixExceptionFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    const answer = toMatrixError(error);
    if (answer.status >= 500 && answer !== error) {
      logError(this.logger, error, `${request.method} ${request.routeOptions.url ?? 'unmatched'} failed`);
    }
    if (reply.sent) return;
    sendMatrixError(reply, answer);
  }
}
