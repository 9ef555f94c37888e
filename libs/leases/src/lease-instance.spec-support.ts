import { commitInLanes, type Database, type Fence, NotOwnerError, openDatabase } from '@atoll/database';
import { sql } from 'kysely';
import { setTimeout } from 'node:timers/promises';
import { PartitionLeases } from './partition-leases.js';

export const PARTITIONS = 32;
export const KIND = 'room-state';

/** What the tests read afterwards: who wrote to which partition under which epoch, in the order of `position`. */
export const CREATE_WRITES = `CREATE TABLE writes (
  position bigint PRIMARY KEY, partition integer NOT NULL, epoch bigint NOT NULL, instance text NOT NULL)`;

/** A process that owns partitions and writes to them without a pause. */
export class LeaseInstance {
  readonly leases: PartitionLeases;
  readonly database: Database;
  drained = 0;
  fenced = 0;
  #isWriting = true;
  #committing: Promise<void> = Promise.resolve();
  #writing: Promise<void> = Promise.resolve();

  constructor(
    url: string,
    readonly name: string,
    options: {
      idleInTransactionTimeoutMs?: number;
      announceChange?: () => void;
      onAcquired?: () => void;
    } = {},
  ) {
    this.database = openDatabase({
      url,
      poolSize: 4,
      applicationName: name,
      statementTimeoutMs: 2_000,
      idleInTransactionTimeoutMs: options.idleInTransactionTimeoutMs ?? 2_000,
    });
    this.leases = new PartitionLeases({
      database: this.database,
      kind: KIND,
      instance: name,
      partitions: PARTITIONS,
      onAcquired: () => options.onAcquired?.(),
      onReleasing: async () => {
        await setTimeout(5);
        // What is under way ends, however long it takes.
        await this.#committing;
        this.drained += 1;
      },
      announceChange: () => options.announceChange?.(),
    });
  }

  async start(): Promise<this> {
    await this.leases.start();
    this.#writing = this.#write();
    return this;
  }

  async stop(): Promise<void> {
    this.#isWriting = false;
    await this.#writing;
    await this.leases.leave();
    await this.database.close();
  }

  /** One fenced commit to these partitions. */
  async commit(fences: readonly Fence[]): Promise<void> {
    await commitInLanes(this.database.db, (_trx, closing) => {
      closing.fence(KIND, this.name, fences);
      const taken = closing.take('events', fences.length);
      fences.forEach(({ partition, epoch }, i) => {
        closing.add(sql`INSERT INTO writes VALUES (${taken.sql(i)}, ${partition}, ${epoch}, ${this.name})`);
      });
    });
  }

  async #write(): Promise<void> {
    for (let turn = 0; this.#isWriting; turn++) {
      const owned = [...this.leases.owned()].map(([partition, epoch]) => ({ partition, epoch }));
      const some = owned.filter(({ partition }) => partition % 4 === turn % 4);
      if (some.length > 0 && this.leases.mayWrite()) {
        this.#committing = this.commit(some).catch((error: unknown) => {
          this.#refused(error);
        });
        await this.#committing;
      }
      await setTimeout(5);
    }
  }

  #refused(error: unknown): void {
    if (!(error instanceof NotOwnerError)) return;
    this.fenced += 1;
    for (const { partition } of error.lost) this.leases.fencedOut(partition);
  }
}
