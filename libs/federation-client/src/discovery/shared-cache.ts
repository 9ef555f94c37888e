import { LRUCache } from 'lru-cache';

export interface Loaded<V> {
  readonly value: V;
  readonly lifetimeMs: number;
}

interface Entry<V> {
  readonly value: V;
  readonly loadedAt: number;
  readonly expiresAt: number;
}

/** What was looked up, for as long as each answer says; concurrent askers share one look-up. Bounded by count. */
export class SharedCache<V> {
  readonly #entries: LRUCache<string, Entry<V>>;
  readonly #inFlight = new Map<string, Promise<V>>();

  constructor(
    maxEntries: number,
    private readonly now: () => number,
  ) {
    this.#entries = new LRUCache({ max: maxEntries });
  }

  /** @param load gets the expired value, if it is still known */
  get(key: string, load: (before: V | undefined) => Promise<Loaded<V>>): Promise<V> {
    const entry = this.#entries.get(key);
    if (entry !== undefined && entry.expiresAt > this.now()) return Promise.resolve(entry.value);
    const running = this.#inFlight.get(key);
    if (running !== undefined) return running;
    const lookUp = this.#load(key, load, entry?.value).finally(() => this.#inFlight.delete(key));
    this.#inFlight.set(key, lookUp);
    return lookUp;
  }

  /** When a value expires, by the clock; undefined when none is known. */
  expiryOf(key: string): number | undefined {
    return this.#entries.peek(key)?.expiresAt;
  }

  /** Makes a value expire at this age, if it would live longer. */
  limitAge(key: string, ageMs: number, applies: (value: V) => boolean = () => true): void {
    const entry = this.#entries.peek(key);
    if (entry === undefined || !applies(entry.value)) return;
    const expiresAt = Math.min(entry.expiresAt, entry.loadedAt + ageMs);
    this.#entries.set(key, { ...entry, expiresAt });
  }

  async #load(key: string, load: (before: V | undefined) => Promise<Loaded<V>>, before: V | undefined) {
    const { value, lifetimeMs } = await load(before);
    const loadedAt = this.now();
    this.#entries.set(key, { value, loadedAt, expiresAt: loadedAt + lifetimeMs });
    return value;
  }
}
