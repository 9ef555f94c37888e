import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ClosingStatements,
  commitInLanes,
  type Database,
  type DatabaseSchema,
  type MembershipJob,
  type MembershipJobKind,
  MembershipJobReader,
  MembershipJobTransactor,
} from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { type Logger, logError } from '@atoll/telemetry';
import { Inject, Injectable, type OnApplicationBootstrap, type OnApplicationShutdown } from '@nestjs/common';
import type { Transaction } from 'kysely';
import { DATABASE, LOGGER } from '../platform/tokens.js';
import { RoomChanges } from './room-changes.js';

const CLAIM_MS = 60_000;
/** The claim is renewed after this many rooms. */
const ROOMS_PER_CLAIM = 100;
const LOOK_FOR_LEFT_JOBS_MS = 30_000;
const MAX_LEFT_JOBS = 10;
/** How long a request waits, so that small accounts see the result at once. */
const REQUEST_WAITS_MS = 2_000;
const SHUTDOWN_WAITS_MS = 2_000;

/**
 * Makes memberships follow a change of their user's account. The job is written in the commit of the change and ends when
 * every room has been told, so that neither a crash nor unreachable rooms lose it: any instance takes up what was left.
 */
@Injectable()
export class MembershipFollower implements OnApplicationBootstrap, OnApplicationShutdown {
  private readonly running = new Set<Promise<void>>();
  private timer: NodeJS.Timeout | undefined;
  private stopping = false;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly jobs: MembershipJobReader,
    private readonly rooms: RoomChanges,
  ) {}

  onApplicationBootstrap(): void {
    this.timer = setInterval(() => {
      void this.takeUpLeftJobs();
    }, LOOK_FOR_LEFT_JOBS_MS);
    this.timer.unref();
  }

  async onApplicationShutdown(): Promise<void> {
    this.stopping = true;
    clearInterval(this.timer);
    await Promise.race([Promise.all(this.running), sleep(SHUTDOWN_WAITS_MS, undefined, { ref: false })]);
  }

  /** Commits `change` together with the job that it entails; waits a moment for the rooms. @returns what `change` gave */
  async follow<T>(
    userId: UserId,
    kind: MembershipJobKind,
    change: (transaction: Transaction<DatabaseSchema>, closing: ClosingStatements) => Promise<T>,
  ): Promise<T> {
    const { result, job } = await commitInLanes(this.database.db, async (trx, closing) => ({
      result: await change(trx, closing),
      job: await new MembershipJobTransactor(trx).add(userId, kind, CLAIM_MS),
    }));
    if (job) await Promise.race([this.start(job), sleep(REQUEST_WAITS_MS, undefined, { ref: false })]);
    return result;
  }

  /** Takes up jobs whose instance died or whose rooms were unreachable. */
  async takeUpLeftJobs(): Promise<void> {
    try {
      for (const left of await this.jobs.unclaimed(MAX_LEFT_JOBS)) {
        const job = await this.transact((jobs) => jobs.claim(left, CLAIM_MS));
        if (job) await this.start(job);
      }
    } catch (error) {
      logError(this.logger, error, 'Looking for left membership jobs failed');
    }
  }

  private start(job: MembershipJob): Promise<void> {
    const run = this.run(job)
      .catch((error: unknown) => {
        logError(this.logger, error, 'A membership job failed and will be taken up again');
      })
      .finally(() => this.running.delete(run));
    this.running.add(run);
    return run;
  }

  private async run(first: MembershipJob): Promise<void> {
    for (let job: MembershipJob | undefined = first; job;) {
      const { kind } = job;
      if (!(await this.tellRooms(job))) {
        this.logger.warn({ kind }, 'Rooms were unreachable; the membership job will be taken up again');
        await this.transact((jobs) => jobs.release(first));
        return;
      }
      const done: MembershipJob = job;
      job = await this.transact(async (jobs) =>
        (await jobs.finish(done)) ? undefined : jobs.renew(done, CLAIM_MS),
      );
    }
  }

  private async tellRooms(job: MembershipJob): Promise<boolean> {
    const rooms = await this.rooms.roomsOf(job);
    for (let index = 0; index < rooms.length; index += ROOMS_PER_CLAIM) {
      if (this.stopping) return false;
      if (index > 0) await this.transact((jobs) => jobs.renew(job, CLAIM_MS));
      if (!(await this.rooms.apply(job, rooms.slice(index, index + ROOMS_PER_CLAIM)))) return false;
    }
    return true;
  }

  private transact<T>(work: (jobs: MembershipJobTransactor) => Promise<T>): Promise<T> {
    return this.database.db.transaction().execute((trx) => work(new MembershipJobTransactor(trx)));
  }
}
