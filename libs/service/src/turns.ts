/**
 * Lets others have their turns of the event loop while there is much to do: after so many steps, which together take some
 * milliseconds, it is time for `await setImmediate()`.
 */
export class Turns {
  #steps = 0;

  constructor(private readonly stepsATurn: number) {}

  /** Counts steps that were done. True when others should have their turn before the next one. */
  isLong(steps = 1): boolean {
    this.#steps += steps;
    if (this.#steps < this.stepsATurn) return false;
    this.#steps = 0;
    return true;
  }
}
