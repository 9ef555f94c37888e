import { setTimeout as sleep } from 'node:timers/promises';
import {
  currentPositions,
  type CountedStreamReader,
  type Database,
  type HeldPartitions,
  NotOwnerError,
  type PartitionedReceipt,
  type PushCursor,
  UnreadTransactor,
} from '@atoll/database';
import { type Logger, logError } from '@atoll/telemetry';
import { eventsCounted } from '../push-metrics.js';
import type { EventCounter } from './event-counter.js';
import type { ReceiptCounter } from './receipt-counter.js';
import type { RoomAudiences } from './room-audiences.js';

const REPAIR_MS = 1_000;
/** What happens in quick succession is counted together. */
const GATHER_MS = 50;
const EVENTS_AT_ONCE = 200;
const RECEIPTS_AT_ONCE = 500;
/** Positions that may be read again after a restart, because nothing in them was in a room of the partition. */
const MAX_UNSAVED = 2_000;

export interface StreamCounterOptions {
  readonly database: Pick<Database, 'db'>;
  readonly stream: CountedStreamReader;
  readonly events: EventCounter;
  readonly receipts: ReceiptCounter;
  readonly audiences: RoomAudiences;
  readonly held: HeldPartitions;
  readonly logger: Logger;
}

/**
 * Follows events and receipts, and keeps what users have not read. What a stretch changes is committed with the cursors of the partitions
 * concerned, so that each event is counted once. Announcements are hints, a look each second repairs what they miss.
 */
export class StreamCounter {
  /** Partitions that were acquired, and whose cursors are not read yet. */
  readonly #joining = new Set<number>();
  readonly #followed = new Map<number, PushCursor>();
  #position: PushCursor = { events: Infinity, receipts: Infinity };
  #saved: PushCursor = { events: 0, receipts: 0 };
  #behindSince: number | undefined;
  #isHinted = false;
  #isStopped = false;
  #isFailing = false;
  #reading: Promise<void> | undefined;
  #stretch: Promise<void> = Promise.resolve();
  readonly #repair: NodeJS.Timeout;

  constructor(private readonly options: StreamCounterOptions) {
    this.#repair = setInterval(() => {
      this.hint();
    }, REPAIR_MS);
  }

  /** How long there has been something that is not counted. */
  get lagSeconds(): number {
    return this.#behindSince === undefined ? 0 : (performance.now() - this.#behindSince) / 1000;
  }

  /** Begins to count in the rooms of a partition, from its cursor on. */
  follow(partition: number): void {
    this.#joining.add(partition);
    this.hint();
  }

  /** Resolves when what was under way for the partition has ended. */
  async unfollow(partition: number): Promise<void> {
    this.#joining.delete(partition);
    this.#followed.delete(partition);
    await this.#stretch.catch(() => undefined);
  }

  /** There may be something to count. */
  hint(): void {
    this.#isHinted = true;
    this.#reading ??= this.#readOn();
  }

  /** Resolves when nothing is read any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#repair);
    await this.#reading;
  }

  async #readOn(): Promise<void> {
    while (this.#isHinted && !this.#isStopped) {
      this.#isHinted = false;
      try {
        await this.#readCursors();
        if (this.#followed.size > 0) await this.#catchUp();
        this.#isFailing = false;
      } catch (error) {
        this.#startOver(error);
      }
      await sleep(GATHER_MS);
    }
    // In the same turn as the last look at `#isHinted`, so that no hint falls in between.
    this.#reading = undefined;
  }

  /** What was committed is not known, and who is in the rooms has moved on: everything goes on from the cursors. */
  #startOver(error: unknown): void {
    for (const partition of this.#followed.keys()) this.#joining.add(partition);
    this.#followed.clear();
    // The others do not wait for those that are lost.
    if (error instanceof NotOwnerError) this.#isHinted = true;
    else if (!this.#isFailing) logError(this.options.logger, error, 'Cannot count what is unread');
    this.#isFailing = !(error instanceof NotOwnerError);
  }

  /** Goes back to where the owners before have come; what is counted already is passed over. */
  async #readCursors(): Promise<void> {
    if (this.#joining.size === 0) return;
    const cursors = await this.options.stream.cursors([...this.#joining]);
    if (this.#followed.size === 0) this.#position = { events: Infinity, receipts: Infinity };
    for (const [partition, cursor] of cursors) {
      // It may be lost again by now.
      if (!this.#joining.delete(partition)) continue;
      this.#followed.set(partition, cursor);
      this.#position = {
        events: Math.min(this.#position.events, cursor.events),
        receipts: Math.min(this.#position.receipts, cursor.receipts),
      };
    }
    this.#saved = this.#position;
    this.options.audiences.clear();
  }

  async #catchUp(): Promise<void> {
    const { stream, database } = this.options;
    // The receipts first: the events that they are for are counted before them.
    const receipts = await stream.receipts(this.#position.receipts, RECEIPTS_AT_ONCE);
    const { events: end } = await currentPositions(database.db);
    if (receipts.length > 0 || this.#position.events < end) this.#behindSince ??= performance.now();
    while (this.#position.events < end && this.#followed.size > 0 && !this.#isStopped) {
      await this.#inStretch(() => this.#countEvents(end));
    }
    if (this.#position.events < end) return;
    if (receipts.length > 0) await this.#inStretch(() => this.#countReceipts(receipts));
    if (receipts.length >= RECEIPTS_AT_ONCE) this.#isHinted = true;
    else this.#behindSince = undefined;
  }

  #inStretch(work: () => Promise<void>): Promise<void> {
    this.#stretch = work();
    return this.#stretch;
  }

  async #countEvents(newest: number): Promise<void> {
    const { stream, events, held } = this.options;
    const batch = await stream.events(this.#position.events, EVENTS_AT_ONCE);
    const isWhole = batch.length < EVENTS_AT_ONCE;
    const end = Math.max(batch.at(-1)?.position ?? 0, isWhole ? newest : 0);
    const own = batch.filter(({ partition, position }) => position > this.#cursorOf(partition).events);
    const changes = await events.count(own);
    const isDue = end - this.#saved.events >= MAX_UNSAVED;
    const partitions = this.#partitionsOf(own, isDue);
    if (partitions.length > 0) {
      await held.commit(partitions, async (transaction) => {
        const transactor = new UnreadTransactor(transaction);
        await transactor.change(changes);
        await transactor.moveCursors(partitions, { events: end, receipts: 0 });
      });
    }
    eventsCounted.add(own.length);
    this.#moveTo({ ...this.#position, events: end }, isDue);
  }

  /** All events that these are for are counted by now. */
  async #countReceipts(receipts: readonly PartitionedReceipt[]): Promise<void> {
    const { receipts: counter, held } = this.options;
    const cursor = { events: this.#position.events, receipts: receipts.at(-1)?.position ?? 0 };
    const own = receipts.filter(({ partition, position }) => position > this.#cursorOf(partition).receipts);
    const replaced = await counter.count(own, cursor.events);
    const isDue = cursor.receipts - this.#saved.receipts >= MAX_UNSAVED;
    const partitions = this.#partitionsOf(own, isDue);
    if (partitions.length > 0) {
      await held.commit(partitions, async (transaction) => {
        const transactor = new UnreadTransactor(transaction);
        await transactor.replace(replaced);
        await transactor.moveCursors(partitions, cursor);
      });
    }
    this.#moveTo(cursor, isDue);
  }

  /** Of those that are not followed nothing is counted. */
  #cursorOf(partition: number): PushCursor {
    return this.#followed.get(partition) ?? { events: Infinity, receipts: Infinity };
  }

  #partitionsOf(own: readonly { readonly partition: number }[], isDue: boolean): number[] {
    return isDue ? [...this.#followed.keys()] : [...new Set(own.map(({ partition }) => partition))];
  }

  #moveTo(position: PushCursor, isSaved: boolean): void {
    this.#position = position;
    if (isSaved) this.#saved = position;
    for (const [partition, { events, receipts }] of this.#followed) {
      this.#followed.set(partition, {
        events: Math.max(events, position.events),
        receipts: Math.max(receipts, position.receipts),
      });
    }
  }
}
