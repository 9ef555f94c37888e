import {
  type DeviceListCursor,
  type IndexProgressReader,
  type Introduction,
  NotOwnerError,
  type OutgoingDeviceReader,
  type OutgoingEventReader,
  type RoutedDeviceLists,
} from '@atoll/database';
import type { ServerName } from '@atoll/matrix';
import { type Logger, logError } from '@atoll/telemetry';
import type { OwnedPartitions } from '../owned-partitions.js';
import { type Join, joinsIn } from '../routing/joins-in.js';
import { Introductions } from './introductions.js';
import type { SharingServers } from './sharing-servers.js';

const LOOK_MS = 1_000;
const BATCH = 100;
/** Positions of the events stream that one look goes through; also those that may be read again after a restart. */
const EVENTS_BATCH = 2_000;

export interface DeviceListRouterOptions {
  readonly reader: OutgoingDeviceReader;
  readonly events: Pick<OutgoingEventReader, 'changes' | 'roomChanges'>;
  readonly progress: Pick<IndexProgressReader, 'newestPosition'>;
  readonly sharing: SharingServers;
  readonly owned: OwnedPartitions;
  readonly serverName: ServerName;
  readonly partitionOf: (destination: ServerName) => number;
  readonly logger: Logger;
  /** Told of the destinations for which there is something, once that is durable. */
  readonly onRouted: (destinations: readonly ServerName[]) => Promise<void>;
}

/**
 * Decides which server is told of which change of a local user's devices, and of which user on the occasion of a join. What it decides is
 * durable before anything is sent, with the cursors of the partitions. Reading something twice changes nothing.
 * @see https://spec.matrix.org/v1.19/server-server-api/#device-management
 */
export class DeviceListRouter {
  /** Of the partitions that were owned at the last look. */
  readonly #cursors = new Map<number, DeviceListCursor>();
  #savedEvents = 0;
  #isHinted = false;
  #isStopped = false;
  #isFailing = false;
  #looking: Promise<void> | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #introductions: Introductions;

  constructor(private readonly options: DeviceListRouterOptions) {
    this.#introductions = new Introductions(options);
    this.#timer = setInterval(() => {
      this.hint();
    }, LOOK_MS);
  }

  /** There may be something to read. */
  hint(): void {
    this.#isHinted = true;
    this.#looking ??= this.#lookOn();
  }

  /** Resolves when nothing is read any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#looking;
  }

  async #lookOn(): Promise<void> {
    while (this.#isHinted && !this.#isStopped) {
      this.#isHinted = false;
      try {
        if (await this.#look()) this.#isHinted = true;
        this.#isFailing = false;
      } catch (error) {
        this.#startOver(error);
      }
    }
    // In the same turn as the last look at `#isHinted`, so that no hint falls in between.
    this.#looking = undefined;
  }

  #startOver(error: unknown): void {
    this.#cursors.clear();
    if (error instanceof NotOwnerError) return;
    if (!this.#isFailing) logError(this.options.logger, error, 'Cannot route device lists to destinations');
    this.#isFailing = true;
  }

  /** @returns whether there may be more */
  async #look(): Promise<boolean> {
    const { reader, events, progress } = this.options;
    await this.#followOwned();
    const cursors = [...this.#cursors.values()];
    if (cursors.length === 0) return false;
    const from = Math.min(...cursors.map(({ position }) => position));
    const eventsFrom = Math.min(...cursors.map(({ eventsPosition }) => eventsPosition));
    const changed = await reader.changed(from, BATCH);
    const eventsTo = Math.min(eventsFrom + EVENTS_BATCH, await progress.newestPosition());
    const joins = eventsTo > eventsFrom ? joinsIn(await events.changes(eventsFrom, eventsTo)) : [];
    const reached = {
      position: changed.at(-1)?.position ?? from,
      eventsPosition: Math.max(eventsFrom, eventsTo),
    };
    const routes = await this.#routesOf(changed);
    const introductions = await this.#introductionsOf(joins);
    await this.#save(routes, introductions, reached);
    for (const [partition, cursor] of this.#cursors) this.#cursors.set(partition, furthest(cursor, reached));
    const names = [...routes.map(({ destination }) => destination), ...introductions.keys()];
    if (names.length > 0) await this.options.onRouted([...new Set(names)]);
    return changed.length >= BATCH || eventsTo - eventsFrom >= EVENTS_BATCH;
  }

  async #followOwned(): Promise<void> {
    const owned = this.options.owned.all();
    for (const partition of this.#cursors.keys()) {
      if (!owned.includes(partition)) this.#cursors.delete(partition);
    }
    const added = owned.filter((partition) => !this.#cursors.has(partition));
    if (added.length === 0) return;
    for (const [partition, cursor] of await this.options.reader.cursors(added)) {
      this.#cursors.set(partition, cursor);
    }
  }

  async #routesOf(
    changed: Awaited<ReturnType<OutgoingDeviceReader['changed']>>,
  ): Promise<RoutedDeviceLists[]> {
    if (changed.length === 0) return [];
    const sharing = await this.options.sharing.of([...new Set(changed.map(({ userId }) => userId))]);
    const routes = new Map<ServerName, RoutedDeviceLists>();
    for (const { userId, position } of changed) {
      for (const destination of sharing.get(userId) ?? []) {
        const partition = this.options.partitionOf(destination);
        if (position <= (this.#cursors.get(partition)?.position ?? Infinity)) continue;
        const first = routes.get(destination)?.first ?? position;
        routes.set(destination, { destination, partition, first, newest: position });
      }
    }
    return [...routes.values()];
  }

  /** Without those that are durable already. */
  #introductionsOf(joins: readonly Join[]): Promise<Map<ServerName, Introduction[]>> {
    const cursorOf = (destination: ServerName) => this.#cursors.get(this.options.partitionOf(destination));
    return this.#introductions.of(
      joins,
      (destination, position) => position > (cursorOf(destination)?.eventsPosition ?? Infinity),
    );
  }

  async #save(
    routes: readonly RoutedDeviceLists[],
    introductions: ReadonlyMap<ServerName, readonly Introduction[]>,
    reached: DeviceListCursor,
  ): Promise<void> {
    const isDue = reached.eventsPosition - this.#savedEvents >= EVENTS_BATCH;
    if (routes.length + introductions.size === 0 && !isDue) return;
    const partitions = [...this.#cursors.keys()];
    await this.options.owned.commit(partitions, async (transactor) => {
      if (routes.length > 0) await transactor.routeDeviceLists(routes);
      for (const [destination, users] of introductions) {
        await transactor.introduce(destination, this.options.partitionOf(destination), users);
      }
      await transactor.advanceDeviceListCursors(partitions, reached);
    });
    this.#savedEvents = reached.eventsPosition;
  }
}

const furthest = (one: DeviceListCursor, other: DeviceListCursor): DeviceListCursor => {
  return {
    position: Math.max(one.position, other.position),
    eventsPosition: Math.max(one.eventsPosition, other.eventsPosition),
  };
};
