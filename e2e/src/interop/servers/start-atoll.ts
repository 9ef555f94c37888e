import { startAllInOne } from '@atoll/testing';
import { testSettings } from '../../test-settings.js';
import type { Homeserver, Surroundings } from './homeserver.js';

const warning = 40;

/** Starts Atoll as one process with its own PostgreSQL and Redis. */
export async function startAtoll(name: string, { folder, certificates }: Surroundings): Promise<Homeserver> {
  const atoll = await startAllInOne({
    dataDir: folder,
    env: {
      ...testSettings,
      ATOLL_TLS_CERT: certificates.certificate,
      ATOLL_TLS_KEY: certificates.key,
      ATOLL_EXTRA_CA: certificates.authority,
      ATOLL_IP_DENYLIST: '',
    },
  });
  return {
    name,
    kind: 'atoll',
    serverName: atoll.serverName,
    clientUrl: atoll.clientUrl,
    logFile: atoll.process.logFile,
    complains: (line) => Number(/"level":(\d+)/.exec(line)?.[1] ?? 0) >= warning,
    start: () => atoll.process.start(60_000),
    stop: () => atoll.process.stop(),
  };
}
