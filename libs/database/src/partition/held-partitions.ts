import type { Transaction } from 'kysely';
import type { Database } from '../open-database.js';
import type { DatabaseSchema } from '../schema/database-schema.js';
import { fencePartitions, NotOwnerError } from './fence-partitions.js';

export interface HeldPartitionsOptions {
  readonly database: Pick<Database, 'db'>;
  /** What is partitioned, such as `push`. */
  readonly kind: string;
  readonly instance: string;
  /** Told of a partition that turned out to be another's. */
  readonly onFenced: (partition: number) => void;
}

/** The partitions of one kind that this instance owns, with their epochs, and the only way in which it writes for them. */
export class HeldPartitions {
  readonly #epochs = new Map<number, number>();

  constructor(private readonly options: HeldPartitionsOptions) {}

  add(partition: number, epoch: number): void {
    this.#epochs.set(partition, epoch);
  }

  remove(partition: number): void {
    this.#epochs.delete(partition);
  }

  has(partition: number): boolean {
    return this.#epochs.has(partition);
  }

  epochOf(partition: number): number | undefined {
    return this.#epochs.get(partition);
  }

  all(): number[] {
    return [...this.#epochs.keys()];
  }

  /**
   * A transaction that commits only while this instance owns the partitions.
   * @throws NotOwnerError
   */
  async commit<T>(
    partitions: readonly number[],
    work: (transaction: Transaction<DatabaseSchema>) => Promise<T>,
  ): Promise<T> {
    const { database, kind, instance, onFenced } = this.options;
    const fences = partitions.map((partition) => ({ partition, epoch: this.#ownEpoch(partition) }));
    try {
      return await database.db.transaction().execute(async (transaction) => {
        await fencePartitions(transaction, kind, instance, fences);
        return work(transaction);
      });
    } catch (error) {
      if (error instanceof NotOwnerError) for (const { partition } of error.lost) onFenced(partition);
      throw error;
    }
  }

  #ownEpoch(partition: number): number {
    const epoch = this.#epochs.get(partition);
    if (epoch === undefined) throw new NotOwnerError([{ partition, owner: null, epoch: null }]);
    return epoch;
  }
}
