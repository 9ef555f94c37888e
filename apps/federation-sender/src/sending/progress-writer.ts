import { NotOwnerError, type Progress } from '@atoll/database';
import type { OwnedPartitions } from '../owned-partitions.js';

const MAX_GROUP = 500;

interface Waiting {
  readonly progress: Progress;
  readonly done: PromiseWithResolvers<undefined>;
}

/** Makes what came of sending durable: while one commit is in flight, the next group gathers. */
export class ProgressWriter {
  #waiting: Waiting[] = [];
  #isWriting = false;

  constructor(private readonly owned: OwnedPartitions) {}

  /**
   * Resolves when it is durable.
   * @throws NotOwnerError when the destination's partition is another's; what the database says
   */
  record(progress: Progress): Promise<void> {
    const done = Promise.withResolvers<undefined>();
    this.#waiting.push({ progress, done });
    if (!this.#isWriting) void this.#writeAll();
    return done.promise;
  }

  async #writeAll(): Promise<void> {
    this.#isWriting = true;
    while (this.#waiting.length > 0) await this.#write(this.#waiting.splice(0, MAX_GROUP));
    this.#isWriting = false;
  }

  async #write(group: readonly Waiting[]): Promise<void> {
    const partitions = [...new Set(group.map(({ progress }) => progress.partition))];
    try {
      await this.owned.commit(partitions, (transactor) =>
        transactor.record(group.map(({ progress }) => progress)),
      );
      for (const { done } of group) done.resolve(undefined);
    } catch (error) {
      const isLost = (waiting: Waiting) => !this.owned.mayWrite(waiting.progress.partition);
      const remaining = error instanceof NotOwnerError ? group.filter((one) => !isLost(one)) : [];
      for (const one of group) if (!remaining.includes(one)) one.done.reject(error);
      // One lost partition does not undo what was sent for the others.
      if (remaining.length > 0 && remaining.length < group.length) this.#waiting.unshift(...remaining);
      else for (const { done } of remaining) done.reject(error);
    }
  }
}
