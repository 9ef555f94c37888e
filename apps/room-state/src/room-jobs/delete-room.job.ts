import type {
  Fence,
  RoomDeletionReader,
  RoomDeletionTransactor,
  RoomJobOf,
  RoomJobTransactor,
} from '@atoll/database';
import type { DrainedTurns } from './drained-turns.js';
import { JobFailed } from './job-failed.js';
import type { MemberDeparture } from './member-departure.js';

type Job = RoomJobOf<'delete-room'>;

/** Members who leave in one step. */
const MEMBERS = 50;
/** For other servers that answer, before the leaves are purged that they should have. */
const DELIVERY_POLL_MS = 2_000;
const MAX_DELIVERY_POLLS = 300;

/** Deletes a room, step by step; `phase` says which is next. */
export class DeleteRoomJob {
  constructor(
    private readonly turns: DrainedTurns,
    private readonly departure: MemberDeparture,
    private readonly jobs: RoomJobTransactor,
    private readonly reader: RoomDeletionReader,
    private readonly deletion: RoomDeletionTransactor,
  ) {}

  /**
   * 1. The room is closed: local users can do nothing in it but leave.
   * 2. Local members leave, by events that everybody hears of.
   * 3. Its aliases and its place in the directory go.
   * 4. Syncing clients and other servers get some time to hear of the leaves.
   * 5. The room vanishes: in one commit it is no longer known, and its memory goes.
   * 6. Its rows go, table by table.
   * 7. It is open again, unless it is to stay blocked: a room that this server does not know.
   * @returns whether there is more to do now
   * @throws JobFailed
   */
  async step(job: Job, fence: Fence): Promise<boolean> {
    switch (job.phase) {
      case null:
        return this.close(job, fence);
      case 'leave':
        return this.leave(job, fence);
      case 'unlist':
        return this.unlist(job, fence);
      case 'wait':
        return this.wait(job, fence);
      case 'vanish':
        return this.vanish(job, fence);
      case 'purge':
        await this.deletion.purgePage(job, fence, { phase: 'finish' });
        return true;
      default:
        await this.deletion.finish(job, fence);
        return false;
    }
  }

  private async close(job: Job, fence: Fence): Promise<boolean> {
    await this.turns.runAndForget(job.roomId, () => this.deletion.close(job, fence, ['leave', 'finish']));
    return true;
  }

  private async leave(job: Job, fence: Fence): Promise<boolean> {
    const { roomId, roomNid, cursor } = job;
    const members = await this.reader.membersBehind(roomNid ?? 0, cursor ?? 0, MEMBERS);
    const outcomes = await Promise.all(
      members.map(async ({ userId }) => ({
        userId,
        problem: await this.departure.leave(roomId, userId, fence),
      })),
    );
    const stays = outcomes.filter(({ problem }) => problem !== undefined);
    const [first] = stays;
    if (first && !job.arguments.force)
      throw new JobFailed(`${first.userId} cannot be made to leave: ${first.problem ?? ''}`);
    const last = members.at(-1);
    await this.jobs.advance(job, fence, {
      ...(last ? { cursor: last.userNid } : { phase: 'unlist' }),
      membersLeft: members.length - stays.length,
    });
    return true;
  }

  private async unlist(job: Job, fence: Fence): Promise<boolean> {
    const { purge, purgeAfterMs } = job.arguments;
    const next = purge ? { phase: 'wait', cursor: 0, nextInMs: purgeAfterMs } : { phase: 'finish' };
    await this.deletion.unlist(job, fence, next);
    return !purge;
  }

  /** The cursor counts the looks. */
  private async wait(job: Job, fence: Fence): Promise<boolean> {
    const polls = job.cursor ?? 0;
    const isOver = polls >= MAX_DELIVERY_POLLS || (await this.reader.isDelivered(job.roomNid ?? 0));
    await this.jobs.advance(
      job,
      fence,
      isOver ? { phase: 'vanish' } : { cursor: polls + 1, nextInMs: DELIVERY_POLL_MS },
    );
    return isOver;
  }

  private async vanish(job: Job, fence: Fence): Promise<boolean> {
    await this.turns.runAndForget(job.roomId, () => this.deletion.vanish(job, fence, { phase: 'purge' }));
    return true;
  }
}
