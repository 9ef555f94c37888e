import { ROOT_CONTEXT, context, isSpanContextValid, trace } from '@opentelemetry/api';
import type { Context } from '@opentelemetry/api';
import { parseTraceParent } from '@opentelemetry/core';

/** The active trace as a W3C `traceparent`, to send along with a message; undefined outside any trace. */
export function injectTraceContext(active: Context = context.active()): string | undefined {
  const span = trace.getSpanContext(active);
  if (span === undefined || !isSpanContextValid(span)) return undefined;
  return `00-${span.traceId}-${span.spanId}-${span.traceFlags.toString(16).padStart(2, '0')}`;
}

/** The context of the sender of a message, from its `traceparent`; an empty context when that is absent or malformed. */
export function extractTraceContext(carrier: string | undefined): Context {
  const remote = carrier === undefined ? null : parseTraceParent(carrier);
  return remote === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, { ...remote, isRemote: true });
}
