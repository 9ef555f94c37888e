import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ServiceName } from '@atoll/contract';
import { spawnServer, type ServerProcess } from '@atoll/embedded';
import { appArguments } from '../repository.js';

export interface ServiceProcessOptions {
  app: ServiceName | 'all-in-one';
  /** Names the process in leases, logs and traces. */
  instanceId: string;
  env: Record<string, string>;
  metricsPort: number;
  /** Of client-api and media. */
  clientPort?: number;
  logFile: string;
}

/** One process of a cluster; it keeps its ports and its name over restarts. */
export class ServiceProcess {
  private process: ServerProcess | undefined;

  constructor(private readonly options: ServiceProcessOptions) {}

  get instanceId(): string {
    return this.options.instanceId;
  }

  /** @throws Error when it was never started. */
  get pid(): number {
    if (!this.process) throw new Error(`${this.instanceId} was not started`);
    return this.process.pid;
  }

  get metricsUrl(): string {
    return `http://127.0.0.1:${this.options.metricsPort}/metrics`;
  }

  /** Where this instance serves clients, past the router; only client-api, media and all-in-one do. */
  get clientUrl(): string {
    if (this.options.clientPort === undefined) throw new Error(`${this.instanceId} serves no clients`);
    return `http://127.0.0.1:${this.options.clientPort}`;
  }

  get logFile(): string {
    return this.options.logFile;
  }

  running(): boolean {
    return this.process?.running() ?? false;
  }

  /** Whether `/health/ready` says yes. */
  async ready(): Promise<boolean> {
    try {
      const url = this.metricsUrl.replace('/metrics', '/health/ready');
      return (await fetch(url, { signal: AbortSignal.timeout(2000) })).ok;
    } catch {
      return false;
    }
  }

  /**
   * Starts the process and waits until it is ready.
   * @throws Error with the end of its log when it exits, or is not ready in time.
   */
  async start(timeoutMs = 30_000): Promise<void> {
    this.process = spawnServer({
      command: process.execPath,
      args: appArguments(this.options.app),
      env: { ...this.options.env, ATOLL_INSTANCE_ID: this.instanceId },
      logFile: this.logFile,
      stopSignal: 'KILL',
    });
    const deadline = Date.now() + timeoutMs;
    while (!(await this.ready())) {
      if (!this.running()) throw new Error(`${this.instanceId} exited at its start:\n${this.logTail()}`);
      if (Date.now() > deadline) throw new Error(`${this.instanceId} is not ready:\n${this.logTail()}`);
      await sleep(50);
    }
  }

  /** Sends a signal at once. After `SIGKILL` it resolves when the process is gone. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    if (signal === 'SIGKILL') await this.process?.stop(signal);
    else process.kill(this.pid, signal);
  }

  /** The graceful stop. */
  async stop(): Promise<void> {
    await this.process?.stop('SIGTERM', 30_000);
  }

  /** Stops it gracefully, if it runs, and starts it again. */
  async restart(): Promise<void> {
    await this.stop();
    await this.start();
  }

  private logTail(): string {
    return readFileSync(this.logFile, 'utf8').trim().split('\n').slice(-15).join('\n');
  }
}
