import { type Logger, logError } from '@atoll/telemetry';

export interface RepeatedWorkOptions {
  /** Between two beginnings; work that takes longer is not begun a second time meanwhile. */
  readonly everyMs: number;
  readonly work: () => Promise<unknown>;
  readonly logger: Logger;
  /** Logged with the error when it fails: an outage gives one line, for the next time tries again. */
  readonly failure: string;
}

/** Does something again and again, from its start until it is stopped. The process need not live on for it. */
export class RepeatedWork {
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;
  #isFailing = false;

  constructor(private readonly options: RepeatedWorkOptions) {}

  start(): void {
    this.#timer = setInterval(() => {
      this.#running ??= this.#attempt().finally(() => (this.#running = undefined));
    }, this.options.everyMs).unref();
  }

  /** Resolves when what is under way has ended. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await this.#running;
  }

  async #attempt(): Promise<void> {
    const { work, logger, failure } = this.options;
    try {
      await work();
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) logError(logger, error, failure);
      this.#isFailing = true;
    }
  }
}
