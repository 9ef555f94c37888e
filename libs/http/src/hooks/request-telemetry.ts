import { extractTraceContext, failSpan, histogram } from '@atoll/telemetry';
import { ROOT_CONTEXT, SpanKind, context, trace } from '@opentelemetry/api';
import type { FastifyInstance } from 'fastify';

const tracer = trace.getTracer('atoll');
const duration = histogram(
  'atoll_http_request_duration_seconds',
  'Time from the request to the end of its answer',
);

/** One histogram and, where the trace is sampled, one span for each request; labels hold the route, never the path. */
export function addTelemetryHooks(instance: FastifyInstance, acceptTraceContext: boolean): void {
  instance.addHook('onRequest', (request, _reply, done) => {
    const traceparent = request.headers['traceparent'];
    const parent =
      acceptTraceContext && typeof traceparent === 'string' ? extractTraceContext(traceparent) : ROOT_CONTEXT;
    const span = tracer.startSpan(request.method, { kind: SpanKind.SERVER }, parent);
    request.span = span;
    context.with(trace.setSpan(parent, span), done);
  });
  instance.addHook('onResponse', (request, reply, done) => {
    const { method } = request;
    const route = request.routeOptions.url ?? 'unmatched';
    const code = reply.statusCode;
    duration.record(reply.elapsedTime / 1000, { method, route, code });
    const { span } = request;
    if (span?.isRecording() === true) {
      span.updateName(`${method} ${route}`);
      span.setAttributes({
        'http.request.method': method,
        'http.route': route,
        'http.response.status_code': code,
      });
      if (code >= 500) failSpan(span, undefined);
      span.end();
    }
    done();
  });
}
