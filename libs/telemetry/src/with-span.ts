import { SpanStatusCode, TraceFlags, context, trace } from '@opentelemetry/api';
import type { Attributes, Context, Link, Span, SpanKind } from '@opentelemetry/api';

export interface SpanOptions {
  /** Whose child the span is; by default the active span's. */
  readonly parent?: Context;
  readonly kind?: SpanKind;
  readonly links?: Link[];
}

const tracer = trace.getTracer('atoll');

/**
 * Runs `work` inside a span that ends with it and records its failure. Below a trace that is not sampled no span is
 * made, so the cost is one call.
 */
export async function withSpan<T>(
  name: string,
  attributes: Attributes,
  work: (span: Span) => T | Promise<T>,
  { parent = context.active(), ...options }: SpanOptions = {},
): Promise<T> {
  const parentSpan = trace.getSpan(parent);
  if (parentSpan !== undefined && !isSampled(parentSpan)) {
    return context.with(parent, () => work(parentSpan));
  }
  const span = tracer.startSpan(name, { ...options, attributes }, parent);
  try {
    return await context.with(trace.setSpan(parent, span), () => work(span));
  } catch (error) {
    failSpan(span, error);
    throw error;
  } finally {
    span.end();
  }
}

/** Marks a span as failed, with the kind of the error but never its text, which may hold what users wrote. */
export function failSpan(span: Span, error: unknown): void {
  span.setStatus({ code: SpanStatusCode.ERROR });
  span.setAttribute('error.type', error instanceof Error ? error.name : typeof error);
}

const isSampled = (span: Span) => (span.spanContext().traceFlags & TraceFlags.SAMPLED) !== 0;
