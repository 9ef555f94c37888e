import type { ByteAllowance } from '@atoll/federation-client';

/** So many bytes of answers may be held at once. */
export class AnswerBytes {
  #free: number;

  constructor(bytes: number) {
    this.#free = bytes;
  }

  get free(): number {
    return this.#free;
  }

  add(bytes: number): void {
    this.#free += bytes;
  }
}

/** What one answer holds of several bounds, until it is given back. What comes after that is refused. */
export class HeldBytes implements ByteAllowance {
  #held = 0;
  #isOver = false;

  constructor(private readonly bounds: readonly AnswerBytes[]) {}

  take(bytes: number): boolean {
    if (this.#isOver || this.bounds.some(({ free }) => free < bytes)) return false;
    this.#held += bytes;
    for (const bound of this.bounds) bound.add(-bytes);
    return true;
  }

  giveBack(): void {
    for (const bound of this.bounds) bound.add(this.#held);
    this.#held = 0;
    this.#isOver = true;
  }
}
