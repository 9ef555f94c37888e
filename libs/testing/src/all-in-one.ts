import { mkdirSync, mkdtempSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '@atoll/embedded';
import { environmentWithoutAtoll } from './cluster/cluster-environment.js';
import { ServiceProcess } from './cluster/service-process.js';
import { UndoList } from './undo-list.js';

export interface AllInOneOptions {
  /** Default: `localhost:<federation port>`. */
  serverName?: string;
  /** Default: a temporary folder, removed at the end. */
  dataDir?: string;
  federationPort?: number;
  /** Variables beside or instead of the defaults; without server URLs the process starts its own servers. */
  env?: Record<string, string>;
}

export interface AllInOne {
  readonly serverName: string;
  readonly clientUrl: string;
  readonly federationUrl: string;
  readonly dataDir: string;
  readonly process: ServiceProcess;
  stop(): Promise<void>;
}

/**
 * Starts `apps/all-in-one` as a process, ready to serve. Needs a build.
 * @throws Error with the end of its log when it does not start.
 */
export async function startAllInOne(options: AllInOneOptions = {}): Promise<AllInOne> {
  const undo = new UndoList();
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'atoll-all-in-one-'));
  if (options.dataDir === undefined) undo.add(() => rm(dataDir, { recursive: true, force: true }));
  mkdirSync(dataDir, { recursive: true });
  const [clientPort, metricsPort] = [await freePort(), await freePort()];
  const federationPort = options.federationPort ?? (await freePort());
  const serverName = options.serverName ?? `localhost:${federationPort}`;
  const env = {
    ...environmentWithoutAtoll(),
    ATOLL_SERVER_NAME: serverName,
    ATOLL_DATA_DIR: dataDir,
    ATOLL_CLIENT_PORT: String(clientPort),
    ATOLL_FEDERATION_PORT: String(federationPort),
    ATOLL_METRICS_PORT: String(metricsPort),
    ATOLL_REGISTRATION: 'open',
    ...options.env,
  };
  const logFile = join(dataDir, 'all-in-one.log');
  const process = new ServiceProcess({
    app: 'all-in-one',
    instanceId: 'all-in-one',
    env,
    metricsPort,
    clientPort,
    logFile,
  });
  undo.add(() => process.stop());
  try {
    await process.start(60_000);
  } catch (error) {
    await undo.run();
    throw error;
  }
  const federationUrl = `https://127.0.0.1:${federationPort}`;
  return {
    serverName,
    clientUrl: process.clientUrl,
    federationUrl,
    dataDir,
    process,
    stop: () => undo.run(),
  };
}
