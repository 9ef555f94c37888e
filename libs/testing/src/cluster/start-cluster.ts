import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { serviceNames, type ServiceName } from '@atoll/contract';
import { freePort, testDatabase, testRedis } from '@atoll/embedded';
import { migrate } from './migrate.js';
import { startRouter } from './router.js';
import { clusterEnvironment } from './cluster-environment.js';
import { ServiceProcess } from './service-process.js';
import { UndoList } from '../undo-list.js';
import { selfSignedCertificate } from './self-signed-certificate.js';

export interface ClusterOptions {
  /** Default: `localhost:<federation port>`, by which other clusters on this machine find it. */
  serverName?: string;
  /** Default: a fresh database of the test PostgreSQL, dropped at the end. */
  databaseUrl?: string;
  /** Default: an own Redis, stopped at the end. */
  redisUrl?: string;
  /** Signing key, media, certificate, logs. Default: a temporary folder, removed at the end. */
  dataDir?: string;
  clientPort?: number;
  federationPort?: number;
  instances?: Partial<Record<ServiceName, number>>;
  /** Variables for every process, beside or instead of the cluster's. */
  env?: Record<string, string>;
}

export interface Cluster {
  readonly serverName: string;
  /** The router, where clients go. */
  readonly clientUrl: string;
  /** The federation-receiver's TLS listener. */
  readonly federationUrl: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly dataDir: string;
  /** The certificate of the federation listener, for another cluster's `ATOLL_EXTRA_CA`. */
  readonly certificateFile: string;
  instances(service: ServiceName): ServiceProcess[];
  stop(): Promise<void>;
}

const defaultInstances: Record<ServiceName, number> = {
  'client-api': 2,
  'room-state': 2,
  'federation-sender': 2,
  'federation-receiver': 1,
  media: 1,
  push: 1,
};

/**
 * Starts the six services as separate processes behind a router, migrated and ready. Needs a build.
 * @throws Error with the end of the log of a process that does not start; then nothing is left running.
 */
export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const undo = new UndoList();
  const stop = () => undo.run();
  try {
    const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'atoll-cluster-'));
    if (options.dataDir === undefined) undo.add(() => rm(dataDir, { recursive: true, force: true }));
    mkdirSync(join(dataDir, 'logs'), { recursive: true });

    const databaseUrl = options.databaseUrl ?? (await ownDatabase(undo));
    const redisUrl = options.redisUrl ?? (await ownRedis(undo));
    const clientPort = options.clientPort ?? (await freePort());
    const federationPort = options.federationPort ?? (await freePort());
    const serverName = options.serverName ?? `localhost:${federationPort}`;
    const certificate = await selfSignedCertificate(dataDir, serverName);
    const addresses = { serverName, databaseUrl, redisUrl, dataDir, clientPort, federationPort, certificate };
    const env = clusterEnvironment(addresses, options.env ?? {});
    await migrate(env);

    const processes = await createProcesses({ ...defaultInstances, ...options.instances }, env, dataDir);
    const all = [...processes.values()].flat();
    undo.add(() => Promise.all(all.map((process) => process.stop())));
    await Promise.all(all.map((process) => process.start(60_000)));

    const instances = (service: ServiceName) => processes.get(service) ?? [];
    const router = await startRouter(clientPort, instances);
    undo.add(() => router.close());
    const federationUrl = `https://127.0.0.1:${federationPort}`;
    const certificateFile = certificate.certificateFile;
    const urls = { clientUrl: router.url, federationUrl, databaseUrl, redisUrl };
    return { serverName, ...urls, dataDir, certificateFile, instances, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function ownDatabase(undo: UndoList): Promise<string> {
  const database = await testDatabase();
  undo.add(() => database.drop());
  return database.url;
}

async function ownRedis(undo: UndoList): Promise<string> {
  const redis = await testRedis();
  undo.add(() => redis.stop());
  return redis.url;
}

async function createProcesses(
  counts: Record<ServiceName, number>,
  env: Record<string, string>,
  dataDir: string,
): Promise<Map<ServiceName, ServiceProcess[]>> {
  const processes = new Map<ServiceName, ServiceProcess[]>();
  for (const app of serviceNames) {
    const ofService: ServiceProcess[] = [];
    for (let number = 1; number <= counts[app]; number += 1) {
      const instanceId = `${app}-${number}`;
      const [metricsPort, clientPort] = [await freePort(), await freePort()];
      const ports = { ATOLL_METRICS_PORT: String(metricsPort), ATOLL_CLIENT_PORT: String(clientPort) };
      const serves = app === 'client-api' || app === 'media' ? { clientPort } : {};
      const logFile = join(dataDir, 'logs', `${instanceId}.log`);
      ofService.push(
        new ServiceProcess({ app, instanceId, env: { ...env, ...ports }, metricsPort, ...serves, logFile }),
      );
    }
    processes.set(app, ofService);
  }
  return processes;
}
