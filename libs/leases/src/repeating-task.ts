/** Runs a task again and again, one run at a time, after a pause that can be cut short. */
export class RepeatingTask {
  readonly #task: () => Promise<void>;
  readonly #pauseMs: number;
  #isStopped = false;
  #nextRun = Promise.withResolvers<undefined>();
  #running: Promise<void> = Promise.resolve();

  /** @param task must not fail */
  constructor(task: () => Promise<void>, pauseMs: number) {
    this.#task = task;
    this.#pauseMs = pauseMs;
  }

  start(): void {
    this.#running = this.#repeat();
  }

  /** Runs the task now, or once more if it is running. */
  runSoon(): void {
    this.#nextRun.resolve(undefined);
  }

  /** Resolves when the last run has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#nextRun.resolve(undefined);
    await this.#running;
  }

  async #repeat(): Promise<void> {
    while (!this.#isStopped) {
      const nextRun = (this.#nextRun = Promise.withResolvers<undefined>());
      await this.#task();
      const timer = setTimeout(nextRun.resolve, this.#pauseMs, undefined);
      await nextRun.promise;
      clearTimeout(timer);
    }
  }
}
