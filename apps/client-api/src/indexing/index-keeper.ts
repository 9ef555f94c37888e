import { setTimeout as sleep } from 'node:timers/promises';
import { type FollowingIndex, type IndexProgressReader } from '@atoll/database';
import { type Logger, logError, observableGauge } from '@atoll/telemetry';

const LOOK_MS = 1_000;
const BUSY_MS = 10;
const CATCH_UP_MS = 500;

export interface IndexKeeperOptions {
  readonly index: FollowingIndex;
  readonly progress: IndexProgressReader;
  readonly logger: Logger;
  readonly lagMetric: `atoll_${string}`;
}

/**
 * Keeps an index behind the events stream. Every instance looks each second; one at a time writes, and what it writes is whole or not
 * there. Who is about to read the index lets it catch up first, so that users find what they just wrote.
 */
export class IndexKeeper {
  private isStopped = false;
  private timer: NodeJS.Timeout | undefined;
  private working: Promise<void> | undefined;
  private stopGauge: (() => void) | undefined;
  private isFailing = false;

  constructor(private readonly options: IndexKeeperOptions) {}

  start(): void {
    this.timer = setInterval(() => {
      this.working ??= this.look().finally(() => (this.working = undefined));
    }, LOOK_MS);
    const { lagMetric } = this.options;
    this.stopGauge = observableGauge(lagMetric, 'Events that are not in the index yet', async (result) => {
      result.observe(await this.lag());
    });
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    this.stopGauge?.();
    await this.working;
  }

  /** Resolves when everything committed before now is in the index, or when that takes too long or fails. */
  async catchUp(): Promise<void> {
    const { index, progress } = this.options;
    const deadline = Date.now() + CATCH_UP_MS;
    await this.attempt(async () => {
      const newest = await progress.newestPosition();
      while ((await progress.position(index.name)) < newest && Date.now() < deadline) {
        if ((await index.step()) === 'busy') await sleep(BUSY_MS);
      }
    });
  }

  private async lag(): Promise<number> {
    const { index, progress } = this.options;
    return Math.max(0, (await progress.newestPosition()) - (await progress.position(index.name)));
  }

  private look(): Promise<void> {
    const { index } = this.options;
    return this.attempt(async () => {
      if (await index.isBehind()) while (!this.isStopped && (await index.step()) === 'more');
    });
  }

  /** The next look tries again what fails; an outage gives one line. */
  private async attempt(work: () => Promise<void>): Promise<void> {
    const { index, logger } = this.options;
    try {
      await work();
      this.isFailing = false;
    } catch (error) {
      if (!this.isFailing) logError(logger, error, `The index ${index.name} does not follow`);
      this.isFailing = true;
    }
  }
}
