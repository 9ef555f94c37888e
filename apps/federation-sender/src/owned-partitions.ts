import { type Database, DestinationTransactor, fencePartitions, NotOwnerError } from '@atoll/database';

export const KIND = 'federation-sender';

/** The partitions of destinations that this instance works for, and the only way in which it writes. */
export class OwnedPartitions {
  readonly #epochs = new Map<number, number>();
  /** What was begun for them may still be written; nothing new is begun. */
  readonly #draining = new Set<number>();
  #lastCommit: Promise<unknown> = Promise.resolve();

  /** @param onFenced told of a partition that turned out to be another's */
  constructor(
    private readonly database: Pick<Database, 'db'>,
    private readonly instance: string,
    private readonly onFenced: (partition: number) => void,
  ) {}

  add(partition: number, epoch: number): void {
    this.#epochs.set(partition, epoch);
    this.#draining.delete(partition);
  }

  remove(partition: number): void {
    this.#epochs.delete(partition);
    this.#draining.delete(partition);
  }

  /** Begins nothing new for the partition, and removes it when what was begun has ended, unless it was acquired again by then. */
  async drain(partition: number, begun: Promise<void>): Promise<void> {
    const epoch = this.#epochs.get(partition);
    this.#draining.add(partition);
    await begun;
    if (this.#epochs.get(partition) === epoch) this.remove(partition);
  }

  /** Whether something may be begun for the partition. */
  has(partition: number): boolean {
    return this.mayWrite(partition) && !this.#draining.has(partition);
  }

  /** Whether what was begun for the partition may be written. */
  mayWrite(partition: number): boolean {
    return this.#epochs.has(partition);
  }

  all(): number[] {
    return [...this.#epochs.keys()].filter((partition) => this.has(partition));
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
    const commit = this.#lastCommit.then(() => this.#commit(partitions, work));
    this.#lastCommit = commit.catch(() => undefined);
    return commit;
  }

  async #commit<T>(
    partitions: readonly number[],
    work: (transactor: DestinationTransactor) => Promise<T>,
  ): Promise<T> {
    const fences = partitions.map((partition) => ({ partition, epoch: this.#epochOf(partition) }));
    try {
      return await this.database.db.transaction().execute(async (transaction) => {
        await fencePartitions(transaction, KIND, this.instance, fences);
        return work(new DestinationTransactor(transaction));
      });
    } catch (error) {
      if (error instanceof NotOwnerError) for (const { partition } of error.lost) this.onFenced(partition);
      throw error;
    }
  }

  #epochOf(partition: number): number {
    const epoch = this.#epochs.get(partition);
    if (epoch === undefined) throw new NotOwnerError([{ partition, owner: null, epoch: null }]);
    return epoch;
  }
}
