import {
  type DestinationReader,
  NotOwnerError,
  type OwedDestination,
  type RoutedDestination,
} from '@atoll/database';
import type { ServerName } from '@atoll/matrix';
import { type Logger, logError } from '@atoll/telemetry';
import { LRUCache } from 'lru-cache';
import type { OwnedPartitions } from '../owned-partitions.js';
import type { Route } from '../routing/routes.js';
import { Destination } from './destination.js';
import type { Notice } from './edu-queue.js';
import type { TransactionSender } from './transaction-sender.js';

const LOOK_MS = 1_000;
/** All destinations are looked through that often; in between only those that fail. */
const LOOK_AT_ALL_MS = 60_000;
/** Transactions under way, but for those that have taken long already: nobody waits behind a destination that says nothing. */
const PLACES = 64;
const LONG_MS = 2_000;
const MAX_IN_FLIGHT = 256;
/** Of destinations that failed the last time: those that they always get, and the most. */
const MIN_FAILING = 4;
const MAX_FAILING = 32;
const MAX_RESTING = 10_000;

export interface DestinationPoolOptions {
  readonly destinations: DestinationReader;
  readonly owned: OwnedPartitions;
  readonly sender: Pick<TransactionSender, 'sendNext'>;
  readonly logger: Logger;
  readonly partitionOf: (destination: ServerName) => number;
}

/**
 * The destinations that are owed something and may be tried now. Each has one transaction in flight, then stands at the end of the
 * queue again; one that fails leaves, until its back-off is over. What is in memory may be lost at any time: the database
 * knows what is owed.
 */
export class DestinationPool {
  readonly #active = new Map<ServerName, Destination>();
  readonly #working = new Set<Destination>();
  readonly #failing = new Set<Destination>();
  readonly #inFlight = new Map<Destination, Promise<void>>();
  /** Those that fail: also such as were never owed an event, of which the database knows nothing. */
  readonly #restUntil = new LRUCache<ServerName, number>({ max: MAX_RESTING });
  #failingInFlight = 0;
  #longInFlight = 0;
  #looking: Promise<void> | undefined;
  #lookedAtAll = -Infinity;
  #isStopped = false;
  #isTroubled = false;
  readonly #timer: NodeJS.Timeout;

  constructor(private readonly options: DestinationPoolOptions) {
    this.#timer = setInterval(() => {
      this.#lookSoon();
    }, LOOK_MS);
  }

  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** How long the event that waits longest for a destination that is not failing has waited. */
  get lagSeconds(): number {
    const now = performance.now();
    let since = now;
    for (const { failure, waitingSince } of this.#active.values()) {
      if (failure === undefined && waitingSince !== undefined) since = Math.min(since, waitingSince);
    }
    return (now - since) / 1000;
  }

  /** Sends what was just routed, except to those whose back-off is not over. */
  add(routes: readonly Route[], rows: ReadonlyMap<ServerName, RoutedDestination>): void {
    const now = Date.now();
    for (const { destination, partition, events } of routes) {
      const active = this.#active.get(destination);
      const row = rows.get(destination);
      if (active) active.add(events);
      else if (row !== undefined && (row.failure?.retryAt ?? 0) <= now) {
        // It is owed nothing else when everything before the first of these is acknowledged.
        const isComplete = row.sentPosition + 1 === events[0]?.position;
        const added = this.#activate({ destination, partition, failure: row.failure }, isComplete);
        if (added && row.owesDeviceLists) added.mayHaveDeviceLists = true;
        added?.add(events);
      }
    }
    this.#fillPlaces();
  }

  /** Sends notices to those of the destinations whose partition is owned here, except to those whose back-off is not over. */
  async notify(names: readonly ServerName[], notices: readonly Notice[]): Promise<void> {
    for (const destination of await this.#activeAmong(names)) destination.edus.add(notices);
    this.#fillPlaces();
  }

  /** There are messages to devices for these in the database: like {@link notify}. */
  async tellOfToDevice(names: readonly ServerName[]): Promise<void> {
    for (const destination of await this.#activeAmong(names)) destination.mayHaveToDevice = true;
    this.#fillPlaces();
  }

  /** There are device lists for these in the database: like {@link notify}. */
  async tellOfDeviceLists(names: readonly ServerName[]): Promise<void> {
    for (const destination of await this.#activeAmong(names)) destination.mayHaveDeviceLists = true;
    this.#fillPlaces();
  }

  /** Those whose partition is owned here, except those whose back-off is not over. */
  async #activeAmong(names: readonly ServerName[]): Promise<Destination[]> {
    const { destinations, owned, partitionOf } = this.options;
    const own = names.filter((name) => owned.has(partitionOf(name)));
    const failures = await destinations.failuresOf(own.filter((name) => !this.#active.has(name)));
    const now = Date.now();
    return own.flatMap((destination) => {
      const active = this.#active.get(destination);
      if (active) return [active];
      const failure = failures.get(destination);
      if ((failure?.retryAt ?? this.#restUntil.get(destination) ?? 0) > now) return [];
      // Whether it is owed events too, the database knows.
      return this.#activate({ destination, partition: partitionOf(destination), failure }, false) ?? [];
    });
  }

  /** Looks through the destinations of partitions that have just come. */
  lookAtAll(): void {
    this.#lookedAtAll = -Infinity;
    this.#lookSoon();
  }

  /** Tries a destination that was heard from at once, among those that work. */
  async wake(name: ServerName): Promise<void> {
    this.#restUntil.delete(name);
    const owed = await this.options.destinations.owedTo(name);
    if (owed === undefined || !this.options.owned.has(owed.partition)) return;
    const active = this.#active.get(name) ?? this.#activate(owed, false);
    if (active && this.#failing.delete(active)) this.#working.add(active);
    this.#fillPlaces();
  }

  /** The partition is another's: nothing more is sent for it. */
  drop(partition: number): void {
    for (const destination of this.#active.values()) {
      if (destination.partition === partition) this.#deactivate(destination);
    }
  }

  /** Nothing more is begun for the partition; resolves when what was begun has ended. */
  async drain(partition: number): Promise<void> {
    this.drop(partition);
    const begun = [...this.#inFlight].filter(([destination]) => destination.partition === partition);
    await Promise.all(begun.map(([, turn]) => turn));
  }

  /** Resolves when nothing is under way. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#looking;
    await Promise.all(this.#inFlight.values());
  }

  #activate(
    { destination, partition, failure }: OwedDestination,
    isComplete: boolean,
  ): Destination | undefined {
    if (this.#isStopped || !this.options.owned.has(partition)) return undefined;
    const added = new Destination(destination, partition, { failure, isComplete });
    this.#active.set(destination, added);
    (failure === undefined ? this.#working : this.#failing).add(added);
    return added;
  }

  #deactivate(destination: Destination): void {
    if (this.#active.get(destination.name) === destination) this.#active.delete(destination.name);
    this.#working.delete(destination);
    this.#failing.delete(destination);
  }

  #fillPlaces(): void {
    while (this.#hasPlace()) {
      const next = this.#next();
      if (next === undefined) return;
      const isFailing = this.#failing.delete(next);
      this.#working.delete(next);
      if (isFailing) this.#failingInFlight++;
      const turn = this.#timed(this.#takeTurn(next)).then(() => {
        this.#inFlight.delete(next);
        if (isFailing) this.#failingInFlight--;
        if (this.#active.get(next.name) === next) this.#working.add(next);
        this.#fillPlaces();
      });
      this.#inFlight.set(next, turn);
    }
  }

  #hasPlace(): boolean {
    const inFlight = this.#inFlight.size;
    return !this.#isStopped && inFlight < MAX_IN_FLIGHT && inFlight - this.#longInFlight < PLACES;
  }

  /** Those that work come first, as long as the others get their few places. */
  #next(): Destination | undefined {
    const [working] = this.#working;
    const [failing] = this.#failing;
    if (failing === undefined || this.#failingInFlight >= MAX_FAILING) return working;
    return this.#failingInFlight < MIN_FAILING ? failing : (working ?? failing);
  }

  async #timed(turn: Promise<void>): Promise<void> {
    let end = () => {
      clearTimeout(timer);
    };
    const timer = setTimeout(() => {
      this.#longInFlight++;
      end = () => this.#longInFlight--;
      this.#fillPlaces();
    }, LONG_MS);
    await turn;
    end();
  }

  /** Never fails. */
  async #takeTurn(destination: Destination): Promise<void> {
    try {
      const works = await this.options.sender.sendNext(destination);
      this.#isTroubled = false;
      if (works) this.#restUntil.delete(destination.name);
      else this.#restUntil.set(destination.name, destination.failure?.retryAt ?? 0);
      if (!works || destination.isIdle) this.#deactivate(destination);
    } catch (error) {
      this.#deactivate(destination);
      if (error instanceof NotOwnerError) return;
      this.#report(error);
      // What it is owed is still in the database.
      this.#lookedAtAll = -Infinity;
    }
  }

  /** An outage gives one line. */
  #report(error: unknown): void {
    if (!this.#isTroubled) logError(this.options.logger, error, 'Cannot send to other servers');
    this.#isTroubled = true;
  }

  #lookSoon(): void {
    this.#looking ??= this.#look().finally(() => (this.#looking = undefined));
  }

  async #look(): Promise<void> {
    const { destinations, owned } = this.options;
    const partitions = owned.all();
    if (this.#isStopped || partitions.length === 0) return;
    const isForAll = performance.now() - this.#lookedAtAll > LOOK_AT_ALL_MS;
    const before = this.#lookedAtAll;
    if (isForAll) this.#lookedAtAll = performance.now();
    try {
      const found = await destinations.retriable(partitions, Date.now());
      if (isForAll) found.push(...(await destinations.owedAndWell(partitions)));
      for (const owed of found) {
        const active = this.#active.get(owed.destination) ?? this.#activate(owed, false);
        if (active === undefined) continue;
        // It may have been activated for its events before this partition's messages were looked for.
        active.mayHaveToDevice = true;
        active.mayHaveDeviceLists = true;
      }
      this.#fillPlaces();
    } catch (error) {
      this.#lookedAtAll = before;
      this.#report(error);
    }
  }
}
