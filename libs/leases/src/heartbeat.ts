import type { LeaseTransactor } from '@atoll/database';

/** A membership lasts this long after its last heartbeat. */
export const LIFE_MS = 5_000;
const INTERVAL_MS = 1_000;

/** Keeps the membership alive, and knows by its own monotonic clock how long it surely is. */
export class Heartbeat {
  readonly #transactor: LeaseTransactor;
  readonly #onError: (error: unknown) => void;
  readonly #beating = new Set<Promise<void>>();
  #sentAt = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #leaving = false;
  #isFailing = false;

  constructor(transactor: LeaseTransactor, onError: (error: unknown) => void) {
    this.#transactor = transactor;
    this.#onError = onError;
  }

  /** Resolves after the first beat; later ones that fail are followed by others, and the first of a row is reported. */
  async start(): Promise<void> {
    await this.#beat();
    this.#timer = setInterval(() => {
      this.#beat().then(
        () => {
          this.#isFailing = false;
        },
        (error: unknown) => {
          if (!this.#isFailing) this.#onError(error);
          this.#isFailing = true;
        },
      );
    }, INTERVAL_MS);
  }

  /** Ms since the newest beat that the database took was sent. */
  get age(): number {
    return performance.now() - this.#sentAt;
  }

  get isValid(): boolean {
    return this.age < LIFE_MS;
  }

  /** Tells the others to expect no more from this instance, which still lives. */
  async announceLeaving(): Promise<void> {
    await Promise.allSettled(this.#beating);
    this.#leaving = true;
    await this.#beat();
  }

  /** Ends the beats. Nothing is valid and nothing is sent after this. */
  async stop(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.allSettled(this.#beating);
    this.#sentAt = -Infinity;
  }

  /** Beats may overlap, so that one lost on a broken connection does not hold up the next. */
  async #beat(): Promise<void> {
    const beat = this.#renew();
    this.#beating.add(beat);
    try {
      await beat;
    } finally {
      this.#beating.delete(beat);
    }
  }

  /** The life counts from before the message was sent, so it ends here before it ends for the database. */
  async #renew(): Promise<void> {
    const sentAt = performance.now();
    await this.#transactor.renew(LIFE_MS, this.#leaving);
    this.#sentAt = Math.max(this.#sentAt, sentAt);
  }
}
