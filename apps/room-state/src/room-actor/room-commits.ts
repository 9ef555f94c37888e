import type { CommitUnit, GroupCommit } from './group-commit.js';
import type { RoomActor } from './room-actor.js';

/**
 * All commits of the process. Units that write thousands of rows are committed apart, beside the others: the rooms that these are of need
 * not wait behind them. A room's commits keep their order, because whatever follows such a unit goes the same way until it is durable.
 */
export class RoomCommits {
  /** How many units of a room are being committed apart. */
  private readonly apart = new Map<RoomActor, number>();

  constructor(
    private readonly common: Pick<GroupCommit, 'enqueue' | 'depth'>,
    private readonly large: Pick<GroupCommit, 'enqueue' | 'depth'>,
  ) {}

  /** As {@link GroupCommit.enqueue}. */
  async enqueue(unit: CommitUnit): Promise<void> {
    const before = this.apart.get(unit.actor) ?? 0;
    if (before === 0 && unit.isLarge !== true) return this.common.enqueue(unit);
    this.apart.set(unit.actor, before + 1);
    try {
      await this.large.enqueue(unit);
    } finally {
      const left = (this.apart.get(unit.actor) ?? 1) - 1;
      if (left > 0) this.apart.set(unit.actor, left);
      else this.apart.delete(unit.actor);
    }
  }

  get depth(): number {
    return this.common.depth + this.large.depth;
  }
}
