import { setImmediate } from 'node:timers/promises';

/** Of events, what takes a few milliseconds to go through once. */
const SLICE = 1000;

/** Gives many items in slices, and lets others run in between. */
export async function* slicesOf<Item>(items: readonly Item[], size = SLICE): AsyncGenerator<readonly Item[]> {
  for (let start = 0; start < items.length; start += size) {
    if (start > 0) await setImmediate();
    yield items.slice(start, start + size);
  }
}
