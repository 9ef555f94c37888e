import { setImmediate } from 'node:timers/promises';

/** Events may have 64 KiB: so many are parsed and hashed in far less than the 50 ms that nothing may take. */
const SLICE = 10;

/** Maps a few items at a time, in order, and lets others run in between. */
export async function mapInSlices<Item, Result>(
  items: readonly Item[],
  map: (item: Item) => Result | Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  for (let at = 0; at < items.length; at += SLICE) {
    if (at > 0) await setImmediate();
    results.push(...(await Promise.all(items.slice(at, at + SLICE).map(map))));
  }
  return results;
}
