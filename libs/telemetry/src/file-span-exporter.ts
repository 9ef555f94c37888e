import { appendFileSync } from 'node:fs';
import { SpanStatusCode } from '@opentelemetry/api';
import { ExportResultCode, hrTimeToMilliseconds } from '@opentelemetry/core';
import type { ExportResult } from '@opentelemetry/core';
import type { ReadableSpan, SpanExporter } from '@opentelemetry/sdk-trace';

/** One line of the trace file. */
export interface SpanRecord {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly startMs: number;
  readonly durationMs: number;
  readonly failed: boolean;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** Appends spans to a file that several processes share, one JSON line each, so that tests can follow a trace. */
export class FileSpanExporter implements SpanExporter {
  constructor(
    private readonly path: string,
    private readonly service: string,
  ) {}

  export(spans: ReadableSpan[], done: (result: ExportResult) => void): void {
    try {
      appendFileSync(this.path, spans.map((span) => `${JSON.stringify(this.record(span))}\n`).join(''));
      done({ code: ExportResultCode.SUCCESS });
    } catch (error) {
      done({ code: ExportResultCode.FAILED, error: error as Error });
    }
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }

  private record(span: ReadableSpan): SpanRecord {
    const { traceId, spanId } = span.spanContext();
    const parent = span.parentSpanContext?.spanId;
    return {
      service: this.service,
      name: span.name,
      traceId,
      spanId,
      ...(parent !== undefined && { parentSpanId: parent }),
      startMs: hrTimeToMilliseconds(span.startTime),
      durationMs: hrTimeToMilliseconds(span.duration),
      failed: span.status.code === SpanStatusCode.ERROR,
      attributes: span.attributes,
    };
  }
}
