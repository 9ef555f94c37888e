import type { DestinationFailure, MissedEvents, OwedEvent } from '@atoll/database';
import type { ServerName } from '@atoll/matrix';
import { EduQueue } from './edu-queue.js';

/** Events that wait in memory; when more come, they are read from the database instead. */
const MAX_QUEUED = 500;

/** One object for all destinations that wait for it. */
export interface QueuedEvent extends OwedEvent {
  /** By this process's clock, in ms. */
  readonly since: number;
}

/** What is owed to one server, while there is something to send to it. */
export class Destination {
  #queue: QueuedEvent[] = [];
  #isComplete: boolean;
  /** Up to here nothing is owed any more when the queue is acknowledged. */
  #upTo = 0;
  /** The newest event that was ever added: the stream may be read again. */
  #newest = 0;
  failure: DestinationFailure | undefined;
  /** Whether the database may have messages to devices for it. */
  mayHaveToDevice: boolean;
  /** The same of what there is to tell of device lists. */
  mayHaveDeviceLists: boolean;
  /** What else waits for it. */
  readonly edus = new EduQueue();

  /** @param isComplete whether what is added from now on is all that is owed; else the database has more */
  constructor(
    readonly name: ServerName,
    readonly partition: number,
    options: { readonly failure: DestinationFailure | undefined; readonly isComplete: boolean },
  ) {
    this.failure = options.failure;
    this.#isComplete = options.isComplete;
    this.mayHaveToDevice = !options.isComplete || options.failure !== undefined;
    this.mayHaveDeviceLists = this.mayHaveToDevice;
  }

  get isIdle(): boolean {
    const isEmpty = this.#queue.length === 0 && this.edus.size === 0;
    return this.#isComplete && isEmpty && !this.mayHaveToDevice && !this.mayHaveDeviceLists;
  }

  /** When the event that waits longest began to; undefined when none waits in memory. */
  get waitingSince(): number | undefined {
    return this.#queue[0]?.since;
  }

  /** Adds the newest events. */
  add(events: readonly QueuedEvent[]): void {
    if (!this.#isComplete) return;
    for (const event of events) {
      if (event.position <= this.#newest) continue;
      this.#newest = event.position;
      this.#queue.push(event);
    }
    if (this.#queue.length <= MAX_QUEUED) return;
    this.#queue = [];
    this.#isComplete = false;
  }

  /** Fills an empty queue from the database when that has more. What comes during the look is added behind what it finds. */
  async fill(look: () => Promise<MissedEvents>): Promise<void> {
    if (this.#isComplete || this.#queue.length > 0) return;
    this.#isComplete = true;
    try {
      const missed = await look();
      const since = performance.now();
      const newer = missed.isTruncated ? [] : this.#queue.filter(({ position }) => position > missed.upTo);
      this.#queue = [...missed.events.map((event) => ({ ...event, since })), ...newer];
      this.#upTo = missed.upTo;
      this.#newest = Math.max(this.#newest, missed.upTo);
      if (missed.isTruncated) this.#isComplete = false;
    } catch (error) {
      this.#isComplete = false;
      throw error;
    }
  }

  /**
   * Takes the oldest events out.
   * @returns them, and the position up to which everything is acknowledged when they are; undefined when nothing is owed
   */
  take(limit: number): { readonly events: readonly OwedEvent[]; readonly upTo: number } | undefined {
    const events = this.#queue.splice(0, limit);
    const last = events.at(-1)?.position ?? 0;
    const upTo = this.#queue.length === 0 ? Math.max(last, this.#upTo) : last;
    if (this.#queue.length === 0) this.#upTo = 0;
    return upTo === 0 ? undefined : { events, upTo };
  }
}
