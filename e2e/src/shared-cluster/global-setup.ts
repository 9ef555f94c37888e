import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { missingSpecification, startCluster } from '@atoll/testing';
import { testSettings } from '../test-settings.js';
import { keepForTeardown } from './running.js';
import { shareCluster } from './shared-cluster.js';

/** Starts the six services once for the whole run; what the tests then do not look at is said at once. */
export default async function globalSetup(): Promise<void> {
  const missing = missingSpecification();
  if (missing !== undefined) process.stderr.write(`\n${missing}\n`);
  const folder = mkdtempSync(join(tmpdir(), 'atoll-e2e-'));
  const traceFile = join(folder, 'spans.jsonl');
  const cluster = await startCluster({
    env: { ...testSettings, ATOLL_TRACE_FILE: traceFile, OTEL_TRACES_SAMPLER: 'always_on' },
  });
  keepForTeardown(cluster, folder);
  const { serverName, clientUrl, federationUrl, databaseUrl, redisUrl } = cluster;
  const clientApis = cluster.instances('client-api').map((instance) => instance.clientUrl);
  shareCluster({ serverName, clientUrl, federationUrl, databaseUrl, redisUrl, traceFile, clientApis });
}
