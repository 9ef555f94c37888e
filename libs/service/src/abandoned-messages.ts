import type { ToDeviceOutcome } from '@atoll/database';
import { counter, type Logger } from '@atoll/telemetry';

const LOG_EVERY_MS = 3_600_000;

const abandoned = counter(
  'atoll_to_device_abandoned_total',
  'Messages to devices that were passed over because the inbox, or the queue to a server, was full and not emptied for a day',
);

/** Tells of messages to devices that were left out because nobody empties what they are for: of each in a metric, in the log now and then. */
export class AbandonedMessages {
  #count = 0;
  #loggedAt = -Infinity;

  constructor(private readonly logger: Logger) {}

  note(outcomes: readonly ToDeviceOutcome[], now = Date.now()): void {
    const count = outcomes.reduce((sum, one) => sum + (one.outcome === 'taken_in' ? one.abandoned : 0), 0);
    if (count === 0) return;
    abandoned.add(count);
    this.#count += count;
    if (now < this.#loggedAt + LOG_EVERY_MS) return;
    this.logger.warn(
      { messages: this.#count },
      'Messages to devices were left out: there are full inboxes or queues that nobody has emptied for a day',
    );
    this.#count = 0;
    this.#loggedAt = now;
  }
}
