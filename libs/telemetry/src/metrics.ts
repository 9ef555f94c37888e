import type { Counter, Histogram, ObservableResult } from '@opentelemetry/api';
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus';
import { AggregationTemporality, InstrumentType, MeterProvider } from '@opentelemetry/sdk-metrics';

/** Snake case, prefixed, with the unit: `atoll_commit_duration_seconds`, `atoll_stream_bytes`, `atoll_fenced_commits_total`. */
export type MetricName = `atoll_${string}`;

/** Forgets the labels of a gauge that are no longer observed, instead of repeating their last value for ever. */
class Exposition extends PrometheusExporter {
  override selectAggregationTemporality(instrument: InstrumentType): AggregationTemporality {
    return instrument === InstrumentType.OBSERVABLE_GAUGE
      ? AggregationTemporality.DELTA
      : AggregationTemporality.CUMULATIVE;
  }
}

/** What `/metrics` serves. Made when this module loads, so that no instrument is bound to the API's no-op provider. */
export const prometheus = new Exposition({
  preventServerStart: true,
  withoutScopeInfo: true,
  withoutTargetInfo: true,
});
export const meterProvider = new MeterProvider({ readers: [prometheus] });
const meter = meterProvider.getMeter('atoll');

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const BYTES = [256, 1024, 4096, 16_384, 65_536, 262_144, 1_048_576, 4_194_304, 16_777_216];

/** A count that only rises; asking twice for one name gives one time series. */
export function counter(name: `${MetricName}_total`, description: string): Counter {
  return meter.createCounter(name, { description });
}

/** A distribution; the default buckets fit names that end in `_seconds` or `_bytes`. */
export function histogram(name: MetricName, description: string, buckets = defaultBuckets(name)): Histogram {
  return meter.createHistogram(name, { description, advice: { explicitBucketBoundaries: buckets } });
}

/**
 * A value that `observe` reports at each scrape, with one call of `result.observe` per set of labels.
 * @returns a function that stops the observation
 */
export function observableGauge(
  name: MetricName,
  description: string,
  observe: (result: ObservableResult) => void | Promise<void>,
): () => void {
  const gauge = meter.createObservableGauge(name, { description });
  gauge.addCallback(observe);
  return () => {
    gauge.removeCallback(observe);
  };
}

/** A rising count kept elsewhere, which `observe` reports at each scrape. */
export function observableCounter(
  name: `${MetricName}_total`,
  description: string,
  observe: (result: ObservableResult) => void | Promise<void>,
): () => void {
  const total = meter.createObservableCounter(name, { description });
  total.addCallback(observe);
  return () => {
    total.removeCallback(observe);
  };
}

function defaultBuckets(name: MetricName): number[] {
  if (name.endsWith('_seconds')) return SECONDS;
  if (name.endsWith('_bytes')) return BYTES;
  throw new Error(`${name}: give the buckets, or end the name in _seconds or _bytes`);
}
