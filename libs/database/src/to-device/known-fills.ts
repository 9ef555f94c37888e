import { FEW, type Fill } from './fill.js';

/** Places that are remembered. */
const MAX_KNOWN = 50_000;
/** What is nearly full, or has no room, is counted again after these times: it may have been emptied. */
const RECOUNT_NEAR_FULL_MS = 30_000;
const RECOUNT_FULL_MS = 1_000;

/** How much room is left for those who want some. */
export type Room = 'enough' | 'little' | 'none';

interface Known {
  readonly fill: Fill;
  readonly countedAt: number;
  /** Additions until it is counted again. */
  readonly allowance: number;
}

/**
 * Remembers how full inboxes and queues are, so that the usual message is sent without counting what waits. What other processes add is
 * not noticed before the next count, which comes after at most 1,000 additions by this one: a bound may be passed by that much for each process.
 */
export class KnownFills {
  readonly #known = new Map<string, Known>();

  /**
   * The fill of a place; undefined when it must be counted.
   * @param roomIn what the fill leaves for those who matter now
   */
  get(key: string, roomIn: (fill: Fill) => Room, now = Date.now()): Fill | undefined {
    const known = this.#known.get(key);
    if (known === undefined) return undefined;
    this.#known.delete(key);
    const { fill, countedAt, allowance } = known;
    const age = now - countedAt;
    const isOld = { enough: false, little: age >= RECOUNT_NEAR_FULL_MS, none: age >= RECOUNT_FULL_MS };
    if (fill.added >= allowance || isOld[roomIn(fill)]) return undefined;
    // The one used last is the last to go.
    this.#known.set(key, known);
    return fill;
  }

  /** Inboxes that get the same messages are not all counted again at once. @param random in [0, 1) */
  set(key: string, fill: Fill, now = Date.now(), random = Math.random()): void {
    this.#known.delete(key);
    this.#known.set(key, { fill, countedAt: now, allowance: FEW * (1 - random / 2) });
    const [oldest] = this.#known.keys();
    if (this.#known.size > MAX_KNOWN && oldest !== undefined) this.#known.delete(oldest);
  }
}
