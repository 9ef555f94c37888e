import type { Config } from '@atoll/config';
import { context, diag, DiagLogLevel, metrics, propagation, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import type { Sampler, SpanProcessor } from '@opentelemetry/sdk-trace';
import { FileSpanExporter } from './file-span-exporter.js';
import { createLogger } from './logger.js';
import { meterProvider } from './metrics.js';
import { observeProcess } from './process-metrics.js';

export interface TelemetryOptions {
  /** The name of the process in traces, such as `client-api`. */
  readonly service: string;
  readonly config: Pick<Config, 'tracing' | 'traceFile' | 'instanceId'>;
}

export interface Telemetry {
  /** Sends what is left and stops. */
  shutdown(): Promise<void>;
}

/**
 * Registers tracing and the process metrics; call it once, in the `--import` preload of an app. Trace ids exist and travel
 * even where no exporter is configured, so that log lines of different services can be joined.
 */
export function startTelemetry({ service, config }: TelemetryOptions): Telemetry {
  const logger = createLogger(service, 'warn');
  diag.setLogger(
    {
      error: (message) => {
        logger.error(message);
      },
      warn: (message) => {
        logger.warn(message);
      },
      info: () => undefined,
      debug: () => undefined,
      verbose: () => undefined,
    },
    { logLevel: DiagLogLevel.WARN, suppressOverrideMessage: true },
  );
  const spanProcessors = processors(service, config);
  const tracerProvider = new TracerProvider({
    resource: resourceFromAttributes({
      'service.name': service,
      'service.namespace': 'atoll',
      'service.instance.id': config.instanceId,
    }),
    sampler: spanProcessors.length === 0 ? new AlwaysOffSampler() : sampler(config.tracing),
    spanProcessors,
  });
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  trace.setGlobalTracerProvider(tracerProvider);
  metrics.setGlobalMeterProvider(meterProvider);
  observeProcess();
  return { shutdown: () => tracerProvider.shutdown() };
}

function processors(service: string, { tracing, traceFile }: TelemetryOptions['config']): SpanProcessor[] {
  const list: SpanProcessor[] = [];
  if (tracing.exportSpans) list.push(new BatchSpanProcessor({ exporter: new OTLPTraceExporter() }));
  if (traceFile !== undefined) {
    list.push(new SimpleSpanProcessor({ exporter: new FileSpanExporter(traceFile, service) }));
  }
  return list;
}

function sampler({ sampleRatio, parentBased }: Config['tracing']): Sampler {
  const root = new TraceIdRatioBasedSampler(sampleRatio);
  return parentBased ? new ParentBasedSampler({ root }) : root;
}
