import {
  NotOwnerError,
  type RoomJob,
  RoomJobMovedOn,
  type RoomJobReader,
  type RoomJobTransactor,
} from '@atoll/database';
import { NotOwner } from '@atoll/redis-streams';
import { RepeatedWork } from '@atoll/service';
import { type Logger, logError } from '@atoll/telemetry';
import type { RoomRegistry } from '../room-actor/room-registry.js';
import type { DeleteRoomJob } from './delete-room.job.js';
import { JobFailed } from './job-failed.js';
import type { PurgeHistoryJob } from './purge-history.job.js';

const LOOK_MS = 1_000;
/** Jobs of one process at once: they are in nobody's way, and none has to be fast. */
const AT_ONCE = 4;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const MAX_ATTEMPTS = 10;
const SWEEP_MS = 3_600_000;
const KEEP_FINISHED_MS = 30 * 86_400_000;
const MAX_SWEPT = 1_000;

/**
 * Does the jobs on this instance's rooms. Each step is read from the job's row and written with it, so that it does not matter who takes
 * it, nor where the one before was killed.
 */
export class RoomJobRunner {
  private readonly running = new Map<number, Promise<void>>();
  private isStopped = false;
  private readonly looks: RepeatedWork;
  /** Of jobs that have ended long ago. Every instance may do it: they delete the same rows. */
  private readonly sweeps: RepeatedWork;

  constructor(
    private readonly registry: RoomRegistry,
    private readonly reader: RoomJobReader,
    private readonly transactor: RoomJobTransactor,
    private readonly deletion: DeleteRoomJob,
    private readonly purge: PurgeHistoryJob,
    private readonly logger: Logger,
  ) {
    this.looks = new RepeatedWork({
      everyMs: LOOK_MS,
      work: () => this.look(),
      logger,
      failure: 'Jobs on rooms were not looked for',
    });
    this.sweeps = new RepeatedWork({
      everyMs: SWEEP_MS,
      work: () => transactor.deleteFinished(KEEP_FINISHED_MS, MAX_SWEPT),
      logger,
      failure: 'Old jobs on rooms were not deleted',
    });
  }

  start(): void {
    this.looks.start();
    this.sweeps.start();
  }

  /** Resolves when the steps in hand are done; whoever owns the rooms next goes on from there. */
  async stop(): Promise<void> {
    this.isStopped = true;
    await Promise.all([this.looks.stop(), this.sweeps.stop()]);
    await Promise.all(this.running.values());
  }

  /** Begins what is due, without waiting for it. */
  async look(): Promise<void> {
    const room = AT_ONCE - this.running.size;
    const partitions = this.registry.ownedPartitions();
    if (this.isStopped || room <= 0 || partitions.length === 0) return;
    for (const { jobId } of await this.reader.due(partitions, AT_ONCE)) {
      if (this.running.has(jobId) || this.running.size >= AT_ONCE) continue;
      this.running.set(
        jobId,
        this.run(jobId).finally(() => this.running.delete(jobId)),
      );
    }
  }

  private async run(jobId: number): Promise<void> {
    try {
      let goesOn = true;
      while (goesOn && !this.isStopped) goesOn = await this.step(jobId);
    } catch (error) {
      logError(this.logger, error, 'A job on a room stopped; it goes on later');
    }
  }

  private async step(jobId: number): Promise<boolean> {
    const job = await this.reader.byId(jobId);
    if (!job || job.finishedTs !== null) return false;
    try {
      const fence = this.registry.ownership(job.roomId);
      return await (job.kind === 'delete-room'
        ? this.deletion.step(job, fence)
        : this.purge.step(job, fence));
    } catch (error) {
      if (error instanceof NotOwner || error instanceof NotOwnerError) return false;
      // The commit was in doubt, and has happened.
      if (error instanceof RoomJobMovedOn) return true;
      await this.noteFailure(job, error);
      return false;
    }
  }

  private async noteFailure(job: RoomJob, error: unknown): Promise<void> {
    const isFinal = error instanceof JobFailed || job.attempts + 1 >= MAX_ATTEMPTS;
    if (!(error instanceof JobFailed)) logError(this.logger, error, 'A step of a job on a room failed');
    const pause = Math.min(FIRST_PAUSE_MS * 2 ** job.attempts, LONGEST_PAUSE_MS);
    const text = error instanceof Error ? error.message : 'unknown';
    const fence = this.registry.ownership(job.roomId);
    await this.transactor.failed(job, fence, text, isFinal ? undefined : pause);
  }
}
