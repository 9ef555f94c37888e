/** What spec files know of the cluster that they share; it must not be disturbed. */
export interface SharedCluster {
  readonly serverName: string;
  readonly clientUrl: string;
  readonly federationUrl: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** Where all processes write their spans; every trace is sampled. */
  readonly traceFile: string;
  /** Where each client-api listens, past the router. */
  readonly clientApis: string[];
}

const variable = 'ATOLL_TEST_SHARED_CLUSTER';

export function shareCluster(cluster: SharedCluster): void {
  process.env[variable] = JSON.stringify(cluster);
}

/** @throws Error outside of a run of this project, whose global set-up starts the cluster */
export function sharedCluster(): SharedCluster {
  const described = process.env[variable];
  if (described === undefined) throw new Error('no cluster was started');
  return JSON.parse(described) as SharedCluster;
}
