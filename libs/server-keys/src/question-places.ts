/**
 * How many questions may be under way at once, altogether and on account of each server. Whoever sends events or requests can
 * name any server: this bounds what that costs others, and leaves places for those that name few.
 */
export class QuestionPlaces {
  #taken = 0;
  readonly #takenFor = new Map<string, number>();
  #nextChange = Promise.withResolvers<boolean>();

  constructor(
    private readonly all: number,
    private readonly ofEachCause = all,
  ) {}

  /** False when there is none for this cause. */
  take(cause: string | undefined): boolean {
    const ofCause = cause === undefined ? 0 : (this.#takenFor.get(cause) ?? 0);
    if (this.#taken >= this.all || ofCause >= this.ofEachCause) return false;
    this.#taken++;
    if (cause !== undefined) this.#takenFor.set(cause, ofCause + 1);
    return true;
  }

  release(cause: string | undefined): void {
    this.#taken--;
    if (cause !== undefined) {
      const left = (this.#takenFor.get(cause) ?? 1) - 1;
      if (left === 0) this.#takenFor.delete(cause);
      else this.#takenFor.set(cause, left);
    }
    this.#nextChange.resolve(true);
    this.#nextChange = Promise.withResolvers();
  }

  /** Resolves to true when a place has become free, to false when the time (of `performance.now()`) comes first. */
  async change(until: number): Promise<boolean> {
    const left = until - performance.now();
    if (left <= 0) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    const timer = setTimeout(resolve, left, false);
    try {
      return await Promise.race([this.#nextChange.promise, promise]);
    } finally {
      clearTimeout(timer);
    }
  }
}
