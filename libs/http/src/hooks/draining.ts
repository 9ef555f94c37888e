/** Tells handlers and hooks that the process stops taking requests. */
export class Draining {
  private readonly controller = new AbortController();
  /** Answers ask clients to use another connection. */
  active = false;

  /** Aborts when waiting requests must end: a long poll answers what it has. */
  get signal(): AbortSignal {
    return this.controller.signal;
  }

  endWaits(): void {
    this.controller.abort();
  }
}
