import type { OutgoingToDeviceReader } from '@atoll/database';
import type { ServerName } from '@atoll/matrix';
import { type Logger, logError } from '@atoll/telemetry';

const REPAIR_MS = 1_000;
const BATCH = 1_000;

export interface ToDeviceRouterOptions {
  readonly outgoing: Pick<OutgoingToDeviceReader, 'newest' | 'destinationsAfter'>;
  readonly logger: Logger;
  /** There is something for these. */
  readonly tell: (destinations: readonly ServerName[]) => Promise<void>;
}

/**
 * Finds out for which servers there are new messages to devices. Announcements are hints, a look each second repairs what they miss. What was
 * there before is found with the partitions of the destinations, and what waits for a back-off when that is over: nothing hangs on this
 * but how soon it is sent.
 */
export class ToDeviceRouter {
  #position = 0;
  #isHinted = false;
  #isStopped = false;
  #isFailing = false;
  #looking: Promise<void> | undefined;
  #repair: NodeJS.Timeout | undefined;

  constructor(private readonly options: ToDeviceRouterOptions) {}

  /** Before any partition is owned. */
  async start(): Promise<void> {
    this.#position = await this.options.outgoing.newest();
    this.#repair = setInterval(() => {
      this.hint();
    }, REPAIR_MS);
  }

  /** There may be something to read. */
  hint(): void {
    this.#isHinted = true;
    if (this.#repair !== undefined) this.#looking ??= this.#look();
  }

  /** Resolves when nothing is read any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#repair);
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { outgoing, logger, tell } = this.options;
    while (this.#isHinted && !this.#isStopped) {
      this.#isHinted = false;
      try {
        const { destinations, upTo } = await outgoing.destinationsAfter(this.#position, BATCH);
        if (destinations.length > 0) await tell(destinations);
        if (upTo > this.#position) this.#isHinted = true;
        this.#position = upTo;
        this.#isFailing = false;
      } catch (error) {
        // The look of the next second tries again; an outage gives one line.
        if (!this.#isFailing) logError(logger, error, 'Cannot follow the messages to devices');
        this.#isFailing = true;
      }
    }
    // In the same turn as the last look at `isHinted`, so that no hint falls in between.
    this.#looking = undefined;
  }
}
