import type { Environment } from './environment.js';

/** What the standard OpenTelemetry variables say about traces. */
export interface TracingSettings {
  /** Spans go to the OTLP/HTTP endpoint that the exporter reads from the environment itself. */
  readonly exportSpans: boolean;
  /** The share of traces that are recorded, 0 to 1. */
  readonly sampleRatio: number;
  /** A caller's decision outranks the ratio. */
  readonly parentBased: boolean;
}

const DEFAULT_RATIO = 0.1;

/** @see https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/ */
export function tracingFromEnvironment(env: Environment, problems: string[]): TracingSettings {
  const sampler = env['OTEL_TRACES_SAMPLER'] || 'parentbased_traceidratio';
  return {
    exportSpans:
      env['OTEL_SDK_DISABLED'] !== 'true' &&
      env['OTEL_TRACES_EXPORTER'] !== 'none' &&
      Boolean(env['OTEL_EXPORTER_OTLP_ENDPOINT'] || env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT']),
    sampleRatio: sampleRatio(sampler.replace(/^parentbased_/, ''), env['OTEL_TRACES_SAMPLER_ARG'], problems),
    parentBased: sampler.startsWith('parentbased_'),
  };
}

function sampleRatio(sampler: string, argument: string | undefined, problems: string[]): number {
  switch (sampler) {
    case 'always_on':
      return 1;
    case 'always_off':
      return 0;
    case 'traceidratio': {
      const ratio = argument ? Number(argument) : DEFAULT_RATIO;
      if (ratio >= 0 && ratio <= 1) return ratio;
      problems.push('OTEL_TRACES_SAMPLER_ARG: must be a number from 0 to 1');
      return DEFAULT_RATIO;
    }
    default:
      problems.push(`OTEL_TRACES_SAMPLER: ${sampler} is not supported`);
      return DEFAULT_RATIO;
  }
}
