import { extractTraceContext, histogram } from '@atoll/telemetry';
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, context, trace } from '@opentelemetry/api';
import type { Span } from '@opentelemetry/api';
import type { FastifyInstance } from 'fastify';

const tracer = trace.getTracer('atoll');
const duration = histogram(
  'atoll_http_request_duration_seconds',
  'Time from the request to the end of its answer',
);

/** The status that logs of proxies use for a client that went away before the answer. */
const CLIENT_CLOSED_REQUEST = 499;

/** One histogram and, where the trace is sampled, one span for each request; labels hold the route, never the path. */
export function addTelemetryHooks(instance: FastifyInstance, acceptTraceContext: boolean): void {
  instance.addHook('onRequest', (request, reply, done) => {
    const start = performance.now();
    const traceparent = request.headers['traceparent'];
    const parent =
      acceptTraceContext && typeof traceparent === 'string' ? extractTraceContext(traceparent) : ROOT_CONTEXT;
    const span = tracer.startSpan(request.method, { kind: SpanKind.SERVER }, parent);
    // Fastify's onResponse does not run when the client has gone away; `close` always comes.
    reply.raw.once('close', () => {
      const code = reply.raw.writableFinished ? reply.statusCode : CLIENT_CLOSED_REQUEST;
      const route = request.routeOptions.url ?? 'unmatched';
      duration.record((performance.now() - start) / 1000, { method: request.method, route, code });
      if (span.isRecording()) endSpan(span, request.method, route, code);
    });
    context.with(trace.setSpan(parent, span), done);
  });
}

function endSpan(span: Span, method: string, route: string, code: number): void {
  span.updateName(`${method} ${route}`);
  span.setAttributes({
    'http.request.method': method,
    'http.route': route,
    'http.response.status_code': code,
  });
  if (code >= 500) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}
