import { counter, observableGauge } from '@atoll/telemetry';

export const transactions = counter(
  'atoll_federation_transactions_total',
  'Transactions sent to other servers; by outcome: acknowledged, the class of another status, or why there was no answer',
);
export const pdusSent = counter(
  'atoll_federation_pdus_sent_total',
  'Events in transactions that were acknowledged',
);
export const edusSent = counter(
  'atoll_federation_edus_sent_total',
  'Ephemeral messages in transactions that were acknowledged',
);
export const pdusRefused = counter(
  'atoll_federation_pdus_refused_total',
  'Events that a peer acknowledged with an error',
);
export const destinationsFailed = counter(
  'atoll_federation_destinations_failed_total',
  'Times a destination that worked began to fail',
);

/** What sending looks like from this instance, at the time of a scrape. */
export interface SenderGauges {
  /** Destinations of its partitions that do not take what they are owed. */
  failing(): Promise<number>;
  /** How long the event that waits longest for a working destination has waited. */
  lagSeconds(): number;
  inFlight(): number;
  /** EDUs with messages to devices that the destinations of its partitions have not acknowledged. */
  toDeviceWaiting(): Promise<number>;
}

/** @returns a function that ends the observation */
export function observeSender(gauges: SenderGauges): () => void {
  const stops = [
    observableGauge(
      'atoll_federation_destinations_failing',
      'Destinations that are failing',
      async (result) => {
        result.observe(await gauges.failing());
      },
    ),
    observableGauge(
      'atoll_federation_send_lag_seconds',
      'Age of the oldest event that waits for a destination that is not failing',
      (result) => {
        result.observe(gauges.lagSeconds());
      },
    ),
    observableGauge('atoll_federation_transactions_in_flight', 'Transactions under way', (result) => {
      result.observe(gauges.inFlight());
    }),
    observableGauge(
      'atoll_federation_to_device_waiting',
      'EDUs with messages to devices that were not acknowledged',
      async (result) => {
        result.observe(await gauges.toDeviceWaiting());
      },
    ),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
