/** Runs a task again and again, one run at a time, after a pause that can be cut short. */
export class RepeatingTask {
  readonly #task: () => Promise<void>;
  readonly #pauseMs: number;
  #isStopped = false;
  #isDue = false;
  #wake = (): void => undefined;
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
    this.#isDue = true;
    this.#wake();
  }

  /** Resolves when the last run has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#wake();
    await this.#running;
  }

  async #repeat(): Promise<void> {
    while (!this.#isStopped) {
      this.#isDue = false;
      await this.#task();
      if (!this.#isDue) await this.#pause();
    }
  }

  #pause(): Promise<void> {
    if (this.#isStopped) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, this.#pauseMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
