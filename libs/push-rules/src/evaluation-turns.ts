/** Longer than that nothing else waits for evaluations, in ms. */
const LONGEST_MS = 10;

/** Says when others should have their turn of the event loop: one evaluation takes microseconds, or milliseconds where somebody wants to do harm. */
export class EvaluationTurns {
  #began = performance.now();

  /** To be asked after each evaluation, and obeyed before the next. */
  isLong(): boolean {
    const now = performance.now();
    if (now - this.#began < LONGEST_MS) return false;
    this.#began = now;
    return true;
  }
}
