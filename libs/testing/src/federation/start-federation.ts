import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServiceName } from '@atoll/contract';
import { freePort, testDatabase, testRedis } from '@atoll/embedded';
import { startAllInOne } from '../all-in-one.js';
import { selfSignedCertificate, type Certificate } from '../cluster/self-signed-certificate.js';
import type { ServiceProcess } from '../cluster/service-process.js';
import { startCluster, type Cluster } from '../cluster/start-cluster.js';
import { UndoList } from '../undo-list.js';
import { openNetwork, type Network } from './network.js';

/** Six services as processes, or one process; both with an own database and an own Redis. */
export type FederatedKind = 'cluster' | 'all-in-one';

export interface FederationOptions {
  servers: readonly FederatedKind[];
  /** Of each cluster, in the place of {@link startCluster}'s numbers. */
  instances?: Partial<Record<ServiceName, number>>;
  /** Variables for every process of every server. */
  env?: Record<string, string>;
  /** Certificates of others that all of them trust, such as a scripted server's. */
  trusted?: readonly string[];
}

/** One homeserver of a federation. */
export interface FederatedServer {
  /** `localhost:<port>`, where the others find it through its network. */
  readonly serverName: string;
  readonly clientUrl: string;
  readonly certificateFile: string;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  /** The way in from other servers. */
  readonly network: Network;
  /** The processes that run a service; an all-in-one server is one process for all of them. */
  instances(service: ServiceName): readonly ServiceProcess[];
}

export interface Federation {
  readonly servers: readonly FederatedServer[];
  stop(): Promise<void>;
}

/** What a server has before it starts. */
interface Place {
  readonly kind: FederatedKind;
  readonly serverName: string;
  readonly namedPort: number;
  readonly federationPort: number;
  readonly dataDir: string;
  readonly certificate: Certificate;
}

/**
 * Starts homeservers that find and trust each other on this machine. Needs a build.
 * @throws Error with the end of the log of a process that does not start; then nothing is left running.
 */
export async function startFederation({
  servers: kinds,
  instances = {},
  env = {},
  trusted = [],
}: FederationOptions): Promise<Federation> {
  const undo = new UndoList();
  try {
    const folder = mkdtempSync(join(tmpdir(), 'atoll-federation-'));
    undo.add(() => rm(folder, { recursive: true, force: true }));
    const places: Place[] = [];
    for (const kind of kinds) places.push(await place(kind, join(folder, String(places.length))));
    const certificates = [...places.map(({ certificate }) => certificate.certificateFile), ...trusted];
    const federating = {
      ATOLL_EXTRA_CA: certificates.join(','),
      ATOLL_IP_DENYLIST: '',
      // No router sends them requests for a while after they are told to stop.
      ATOLL_DRAIN_SECONDS: '0',
      ...env,
    };
    const starts = await Promise.allSettled(places.map((one) => start(one, instances, federating, undo)));
    // Not before all of them have started or failed: what still starts could not be undone.
    const servers = starts.map((one) => {
      if (one.status === 'rejected') throw one.reason;
      return one.value;
    });
    return { servers, stop: () => undo.run() };
  } catch (error) {
    await undo.run();
    throw error;
  }
}

async function place(kind: FederatedKind, dataDir: string): Promise<Place> {
  mkdirSync(dataDir);
  const [namedPort, federationPort] = [await freePort(), await freePort()];
  const serverName = `localhost:${namedPort}`;
  const certificate = await selfSignedCertificate(dataDir, serverName);
  return { kind, serverName, namedPort, federationPort, dataDir, certificate };
}

async function start(
  place: Place,
  instances: Partial<Record<ServiceName, number>>,
  env: Record<string, string>,
  undo: UndoList,
): Promise<FederatedServer> {
  const { serverName, certificate } = place;
  const database = await testDatabase();
  undo.add(() => database.drop());
  const redis = await testRedis();
  undo.add(() => redis.stop());
  const network = await openNetwork(place.namedPort, place.federationPort);
  undo.add(() => network.close());
  const urls = { databaseUrl: database.url, redisUrl: redis.url };
  const running =
    place.kind === 'cluster'
      ? await startAsCluster(place, urls, instances, env)
      : await startAsOne(place, urls, env);
  undo.add(() => running.stop());
  return {
    serverName,
    clientUrl: running.clientUrl,
    certificateFile: certificate.certificateFile,
    ...urls,
    network,
    instances: (service) => running.instances(service),
  };
}

interface Urls {
  readonly databaseUrl: string;
  readonly redisUrl: string;
}

/** What the two kinds of server have in common. */
type Running = Pick<Cluster, 'clientUrl' | 'stop'> & Pick<FederatedServer, 'instances'>;

async function startAsCluster(
  { serverName, federationPort, dataDir }: Place,
  urls: Urls,
  instances: Partial<Record<ServiceName, number>>,
  env: Record<string, string>,
): Promise<Running> {
  // It finds the certificate in the folder.
  return startCluster({ serverName, federationPort, dataDir, ...urls, instances, env });
}

async function startAsOne(place: Place, urls: Urls, env: Record<string, string>): Promise<Running> {
  const { serverName, federationPort, dataDir, certificate } = place;
  const own = {
    ATOLL_DATABASE_URL: urls.databaseUrl,
    ATOLL_REDIS_URL: urls.redisUrl,
    ATOLL_TLS_CERT: certificate.certificateFile,
    ATOLL_TLS_KEY: certificate.keyFile,
  };
  const running = await startAllInOne({ serverName, federationPort, dataDir, env: { ...own, ...env } });
  return {
    clientUrl: running.clientUrl,
    stop: () => running.stop(),
    instances: () => [running.process],
  };
}
