import type { Certificate } from './self-signed-certificate.js';

export interface ClusterAddresses {
  serverName: string;
  databaseUrl: string;
  redisUrl: string;
  dataDir: string;
  clientPort: number;
  federationPort: number;
  certificate: Certificate;
}

/** The environment of every process of a cluster: this process's without its own Atoll settings, then the cluster's. */
export function clusterEnvironment(
  { serverName, databaseUrl, redisUrl, dataDir, clientPort, federationPort, certificate }: ClusterAddresses,
  overrides: Record<string, string>,
): Record<string, string> {
  return {
    ...environmentWithoutAtoll(),
    ATOLL_SERVER_NAME: serverName,
    ATOLL_DATABASE_URL: databaseUrl,
    ATOLL_REDIS_URL: redisUrl,
    ATOLL_DATA_DIR: dataDir,
    ATOLL_HOST: '127.0.0.1',
    ATOLL_PUBLIC_BASEURL: `http://127.0.0.1:${clientPort}`,
    ATOLL_FEDERATION_PORT: String(federationPort),
    ATOLL_TLS_CERT: certificate.certificateFile,
    ATOLL_TLS_KEY: certificate.keyFile,
    ATOLL_REGISTRATION: 'open',
    ATOLL_TRUSTED_PROXIES: '127.0.0.1',
    ATOLL_DRAIN_SECONDS: '1',
    ...overrides,
  };
}

/** What a process needs of its surroundings (PATH, proxies, OTEL_*), without test-runner flags and Atoll settings. */
export function environmentWithoutAtoll(): Record<string, string> {
  const kept = Object.entries(process.env).filter(
    ([name]) => !name.startsWith('ATOLL_') && name !== 'NODE_OPTIONS' && name !== 'JEST_WORKER_ID',
  );
  return Object.fromEntries(kept.filter((entry): entry is [string, string] => entry[1] !== undefined));
}
