import type { Logger } from './logger.js';
import { logError } from './log-error.js';

/** What stops first: taking requests, then the work under way, then connections, then telemetry. */
export const SHUTDOWN_STAGES = ['drain', 'work', 'connections', 'telemetry'] as const;
export type ShutdownStage = (typeof SHUTDOWN_STAGES)[number];

export interface ShutdownOptions {
  readonly logger: Logger;
  /** After this many ms the process ends, whatever still runs. */
  readonly deadlineMs?: number;
  readonly exit?: (code: number) => void;
}

interface Hook {
  readonly stage: ShutdownStage;
  readonly name: string;
  readonly run: () => void | Promise<void>;
}

/** A signal sent to a whole process group arrives twice where npm passes it on too. */
const SAME_SIGNAL_MS = 1000;

/**
 * The orderly end of a process, for all modules in it: stages follow one another, hooks of one stage run side by side.
 * A second signal ends the process at once.
 */
export class GracefulShutdown {
  private readonly hooks: Hook[] = [];
  private readonly started = new AbortController();
  private startedAt = 0;
  private stopping: Promise<void> | undefined;

  constructor(private readonly options: ShutdownOptions) {}

  /** Aborts when the stop begins: long waits end, readiness turns false. */
  get signal(): AbortSignal {
    return this.started.signal;
  }

  onShutdown(stage: ShutdownStage, name: string, run: () => void | Promise<void>): void {
    this.hooks.push({ stage, name, run });
  }

  /** Stops on SIGTERM and SIGINT. */
  listen(): void {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (this.stopping === undefined) void this.stop(signal);
        else if (Date.now() - this.startedAt > SAME_SIGNAL_MS) this.exit(1);
      });
    }
  }

  /** Runs every hook, then ends the process: with 0, or with 1 when a hook failed or time ran out. */
  stop(reason: string): Promise<void> {
    this.stopping ??= this.run(reason);
    return this.stopping;
  }

  private async run(reason: string): Promise<void> {
    const { logger, deadlineMs = 25_000 } = this.options;
    logger.info({ reason }, 'Stopping');
    this.startedAt = Date.now();
    this.started.abort();
    const deadline = setTimeout(() => {
      logger.error({ deadlineMs }, 'Stopping took too long');
      this.exit(1);
    }, deadlineMs);
    let failed = false;
    for (const stage of SHUTDOWN_STAGES) {
      const results = await Promise.all(
        this.hooks.filter((hook) => hook.stage === stage).map((hook) => this.try(hook)),
      );
      failed ||= results.includes(false);
    }
    clearTimeout(deadline);
    logger.info({ failed }, 'Stopped');
    this.exit(failed ? 1 : 0);
  }

  private async try({ stage, name, run }: Hook): Promise<boolean> {
    try {
      await run();
      return true;
    } catch (error) {
      logError(this.options.logger, error, `Stopping failed: ${stage}, ${name}`);
      return false;
    }
  }

  private exit(code: number): void {
    if (this.options.exit === undefined) process.exit(code);
    this.options.exit(code);
  }
}
