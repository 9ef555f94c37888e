import { type Database, DestinationTransactor, HeldPartitions } from '@atoll/database';

export const KIND = 'federation-sender';

/** The partitions of destinations that this instance works for, and the only way in which it writes. */
export class OwnedPartitions {
  readonly #held: HeldPartitions;
  /** What was begun for them may still be written; nothing new is begun. */
  readonly #draining = new Set<number>();
  #lastCommit: Promise<unknown> = Promise.resolve();

  /** @param onFenced told of a partition that turned out to be another's */
  constructor(database: Pick<Database, 'db'>, instance: string, onFenced: (partition: number) => void) {
    this.#held = new HeldPartitions({ database, kind: KIND, instance, onFenced });
  }

  add(partition: number, epoch: number): void {
    this.#held.add(partition, epoch);
    this.#draining.delete(partition);
  }

  remove(partition: number): void {
    this.#held.remove(partition);
    this.#draining.delete(partition);
  }

  /** Begins nothing new for the partition, and removes it when what was begun has ended, unless it was acquired again by then. */
  async drain(partition: number, begun: Promise<void>): Promise<void> {
    const epoch = this.#held.epochOf(partition);
    this.#draining.add(partition);
    await begun;
    if (this.#held.epochOf(partition) === epoch) this.remove(partition);
  }

  /** Whether something may be begun for the partition. */
  has(partition: number): boolean {
    return this.mayWrite(partition) && !this.#draining.has(partition);
  }

  /** Whether what was begun for the partition may be written. */
  mayWrite(partition: number): boolean {
    return this.#held.has(partition);
  }

  all(): number[] {
    return this.#held.all().filter((partition) => this.has(partition));
  }

  /**
   * A transaction that commits only while this instance owns the partitions. One runs at a time: they write to many destinations each,
   * and would wait for one another's rows in any order.
   * @throws NotOwnerError
   */
  commit<T>(
    partitions: readonly number[],
    work: (transactor: DestinationTransactor) => Promise<T>,
  ): Promise<T> {
    const commit = this.#lastCommit.then(() =>
      this.#held.commit(partitions, (transaction) => work(new DestinationTransactor(transaction))),
    );
    this.#lastCommit = commit.catch(() => undefined);
    return commit;
  }
}
