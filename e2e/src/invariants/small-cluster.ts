import { startCluster, type Cluster, type ClusterOptions } from '@atoll/testing';
import { testSettings } from '../test-settings.js';

/** A cluster to be disturbed: two client-apis and two room-states, and nothing that writes do not need, but for what is asked for. */
export function startSmallCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const instances = {
    'federation-sender': 0,
    'federation-receiver': 0,
    media: 0,
    push: 0,
    ...options.instances,
  };
  return startCluster({ ...options, instances, env: { ...testSettings, ...options.env } });
}
