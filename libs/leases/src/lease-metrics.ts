import { counter, observableGauge } from '@atoll/telemetry';

export const ownershipChanges = counter(
  'atoll_partition_ownership_changes_total',
  'Partitions that this instance acquired, released or lost',
);
export const fencedCommits = counter(
  'atoll_fenced_commits_total',
  'Commits that PostgreSQL refused because the partition had another owner or epoch',
);
export const sessionsEnded = counter(
  'atoll_expired_sessions_ended_total',
  'Database sessions of expired instances that were ended because they held a transaction open',
);

/** What one kind's leases look like from this instance, at the time of a scrape. */
export interface LeaseGauges {
  readonly owned: number;
  /** Partitions without a live owner for longer than an alert tolerates. */
  readonly unowned: number;
  readonly heartbeatAgeSeconds: number;
  readonly reconcileAgeSeconds: number;
}

/** @returns a function that ends the observation */
export function observeLeases(kind: string, read: () => LeaseGauges): () => void {
  const gauge = (name: `atoll_${string}`, description: string, pick: (gauges: LeaseGauges) => number) =>
    observableGauge(name, description, (result) => {
      result.observe(pick(read()), { kind });
    });
  const stops = [
    gauge('atoll_partitions_owned', 'Partitions that this instance owns', ({ owned }) => owned),
    gauge(
      'atoll_partitions_unowned',
      'Partitions without a live owner for over 2 s',
      ({ unowned }) => unowned,
    ),
    gauge('atoll_lease_age_seconds', 'Time since the last heartbeat was sent', (g) => g.heartbeatAgeSeconds),
    gauge(
      'atoll_lease_reconcile_age_seconds',
      'Time since ownership was last reconciled',
      (g) => g.reconcileAgeSeconds,
    ),
  ];
  return () => {
    for (const stop of stops) stop();
  };
}
