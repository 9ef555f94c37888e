import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort, spawnServer, type ServerProcess } from '@atoll/embedded';
import type { Homeserver, Surroundings } from './homeserver.js';
import { writeSynapseConfig } from './synapse-config.js';

/** Starts Synapse with SQLite and a TLS listener that other servers reach as `localhost:<port>`. */
export async function startSynapse(name: string, surroundings: Surroundings): Promise<Homeserver> {
  const { folder, certificates } = surroundings;
  const [clientPort, federationPort] = [await freePort(), await freePort()];
  const addresses = { serverName: `localhost:${federationPort}`, clientPort, federationPort };
  const synapse = new Synapse(
    name,
    addresses.serverName,
    `http://127.0.0.1:${clientPort}`,
    surroundings,
    await writeSynapseConfig(folder, addresses, certificates),
  );
  await synapse.start();
  return synapse;
}

class Synapse implements Homeserver {
  readonly kind = 'synapse';
  readonly logFile: string;
  private process: ServerProcess | undefined;

  constructor(
    readonly name: string,
    readonly serverName: string,
    readonly clientUrl: string,
    private readonly surroundings: Surroundings,
    private readonly configFile: string,
  ) {
    this.logFile = join(surroundings.folder, 'synapse.log');
  }

  complains(line: string): boolean {
    return /^\S+ \S+ (WARNING|ERROR|CRITICAL) /.test(line);
  }

  async start(): Promise<void> {
    const process = spawnServer({
      command: this.surroundings.python,
      args: ['-m', 'synapse.app.homeserver', '--config-path', this.configFile],
      logFile: this.logFile,
      stopSignal: 'KILL',
    });
    this.process = process;
    const deadline = Date.now() + 60_000;
    while (!(await this.ready())) {
      if (process.running() && Date.now() < deadline) await sleep(100);
      else throw new Error(`Synapse did not start:\n${this.logTail()}`);
    }
  }

  async stop(): Promise<void> {
    await this.process?.stop('SIGTERM');
  }

  private async ready(): Promise<boolean> {
    try {
      return (await fetch(`${this.clientUrl}/health`, { signal: AbortSignal.timeout(2000) })).ok;
    } catch {
      return false;
    }
  }

  private logTail(): string {
    return readFileSync(this.logFile, 'utf8').trim().split('\n').slice(-15).join('\n');
  }
}
