import type { Fence, HistoryPurgeTransactor, RoomJobOf } from '@atoll/database';
import type { EventCache } from '../room-actor/event-cache.js';
import type { DrainedTurns } from './drained-turns.js';
import { JobFailed } from './job-failed.js';

type Job = RoomJobOf<'purge-history'>;

/** Purges message events from before a point; what stays, `HistoryPurgeTransactor` says. */
export class PurgeHistoryJob {
  constructor(
    private readonly turns: DrainedTurns,
    private readonly events: EventCache,
    private readonly transactor: HistoryPurgeTransactor,
  ) {}

  /**
   * Each page takes one of the room's turns, between those of others, so that no event is placed on one that goes.
   * @returns whether there is more to do now
   * @throws JobFailed when the room is gone
   */
  step(job: Job, fence: Fence): Promise<boolean> {
    return this.turns.run(job.roomId, async (actor) => {
      if (actor?.roomNid !== job.roomNid) throw new JobFailed('the room was deleted meanwhile');
      const { eventIds, isLast } = await this.transactor.purgePage(job, fence);
      this.events.evict(eventIds);
      actor.recent.forget(eventIds);
      return !isLast;
    });
  }
}
