import { counter, observableGauge } from '@atoll/telemetry';

export const eventsCounted = counter(
  'atoll_push_events_counted_total',
  'Events that push rules were tried on for the users in their rooms',
);

/** @returns a function that ends the observation */
export function observeCounting(lagSeconds: () => number): () => void {
  return observableGauge(
    'atoll_push_lag_seconds',
    'How long there have been events or receipts that are not counted',
    (result) => {
      result.observe(lagSeconds());
    },
  );
}
