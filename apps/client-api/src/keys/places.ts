/** A number of places, taken and given back. Who comes when there is none waits, first come first served. */
export class Places {
  #free: number;
  readonly #waiting = new Set<() => void>();

  constructor(count: number) {
    this.#free = count;
  }

  /** @returns gives the place back, once; undefined when there was none in time */
  async take(timeoutMs: number): Promise<(() => void) | undefined> {
    if (this.#free > 0) {
      this.#free--;
      return this.#giveBack;
    }
    const { promise, resolve } = Promise.withResolvers<(() => void) | undefined>();
    const turn = () => {
      clearTimeout(timer);
      resolve(this.#giveBack);
    };
    const timer = setTimeout(() => {
      this.#waiting.delete(turn);
      resolve(undefined);
    }, timeoutMs);
    this.#waiting.add(turn);
    return promise;
  }

  readonly #giveBack = (): void => {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#free++;
      return;
    }
    this.#waiting.delete(next);
    next();
  };
}
