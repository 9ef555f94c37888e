import type { PartitionRow } from '@atoll/database';

/** Longer than a rolling restart may leave a partition without an owner. */
const TOLERATED_MS = 2_000;

/** Remembers since when each partition has had no live owner. */
export class UnownedPartitions {
  readonly #since = new Map<number, number>();

  update(rows: readonly PartitionRow[]): void {
    for (const { partition, ownerIsLive } of rows) {
      if (ownerIsLive) this.#since.delete(partition);
      else if (!this.#since.has(partition)) this.#since.set(partition, performance.now());
    }
  }

  /** How many have been without for too long. */
  get count(): number {
    const limit = performance.now() - TOLERATED_MS;
    return [...this.#since.values()].filter((since) => since < limit).length;
  }
}
