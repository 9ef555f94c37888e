import { LRUCache } from 'lru-cache';

const REMEMBERED = 10_000;
/** Nobody is asked again sooner after a usable answer, though there may be new keys. */
const PAUSE_MS = 10_000;
/** Without one; twice as long with each failure in a row. */
const FIRST_FAILURE_PAUSE_MS = 5_000;
const MAX_PAUSE_MS = 600_000;

/** Who was asked not long ago and is to be left alone. */
export class AskPauses {
  /** By name: when to ask again, of `performance.now()`, and the failures in a row. */
  readonly #pauses = new LRUCache<string, { until: number; failures: number }>({ max: REMEMBERED });

  isPausing(name: string): boolean {
    return (this.#pauses.get(name)?.until ?? 0) > performance.now();
  }

  answered(name: string): void {
    this.#pauses.set(name, { until: performance.now() + PAUSE_MS, failures: 0 });
  }

  failed(name: string): void {
    const failures = (this.#pauses.get(name)?.failures ?? 0) + 1;
    const pause = Math.min(FIRST_FAILURE_PAUSE_MS * 2 ** (failures - 1), MAX_PAUSE_MS);
    this.#pauses.set(name, { until: performance.now() + pause, failures });
  }
}
