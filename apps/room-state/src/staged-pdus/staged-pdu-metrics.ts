import { counter, observableGauge } from '@atoll/telemetry';
import type { PduResult } from '../accept-pdus/pdu-acceptance.js';

const taken = counter('atoll_staged_pdus_total', 'Events of other servers by what became of them');

/** `given-up`: what it misses was asked for in vain too often. */
export type StagedOutcome = Exclude<PduResult['outcome'], 'missing-events'> | 'given-up';

export function observeOutcome(outcome: StagedOutcome): void {
  taken.add(1, { outcome });
}

/** @returns a function that ends it */
export function observeBacklog(
  backlog: () => { readonly count: number; readonly oldestTs: number | null },
): () => void {
  const stops = [
    observableGauge('atoll_staged_pdus_waiting', 'Events that wait for the owner of their room', (result) => {
      result.observe(backlog().count);
    }),
    observableGauge('atoll_staged_pdus_oldest_seconds', 'Age of the oldest event that waits', (result) => {
      const { oldestTs } = backlog();
      result.observe(oldestTs === null ? 0 : (Date.now() - oldestTs) / 1000);
    }),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
