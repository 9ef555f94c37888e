import { partitionOf } from '@atoll/contract';
import {
  type DestinationReader,
  NotOwnerError,
  type OutgoingEventReader,
  type RoutedDestination,
} from '@atoll/database';
import { type ServerName, serverNameOf } from '@atoll/matrix';
import { type Logger, logError } from '@atoll/telemetry';
import { LRUCache } from 'lru-cache';
import type { OwnedPartitions } from '../owned-partitions.js';
import { destinationsOf } from './destinations-of.js';
import { RoomServersCache } from './room-servers-cache.js';
import { type Route, Routes } from './routes.js';

const REPAIR_MS = 1_000;
const BATCH = 500;
/** Positions that may be read again after a restart, because nothing in them was for anybody. */
const MAX_UNSAVED = 2_000;
const MAX_NAMES = 100_000;

export interface StreamRouterOptions {
  readonly events: OutgoingEventReader;
  readonly destinations: DestinationReader;
  readonly owned: OwnedPartitions;
  readonly serverName: ServerName;
  /** How many partitions the installation has. */
  readonly partitions: number;
  readonly logger: Logger;
  /** Told of what was made durable, with what is known of each destination. */
  readonly onRouted: (routes: readonly Route[], rows: ReadonlyMap<ServerName, RoutedDestination>) => void;
}

/**
 * Reads the events stream and decides which server is sent what. What it decides is durable before anything is sent, with the cursors
 * of the partitions concerned; it goes on from the cursors. Announcements are hints, a look each second repairs what they miss.
 */
export class StreamRouter {
  readonly #rooms: RoomServersCache;
  readonly #partitionOf = new LRUCache<ServerName, number>({ max: MAX_NAMES });
  /** Partitions that were acquired, and whose cursors are not read yet. */
  readonly #joining = new Set<number>();
  readonly #followed = new Set<number>();
  #position = Infinity;
  #saved = 0;
  #isHinted = false;
  #isStopped = false;
  #isFailing = false;
  #reading: Promise<void> | undefined;
  readonly #repair: NodeJS.Timeout;

  constructor(private readonly options: StreamRouterOptions) {
    this.#rooms = new RoomServersCache(options.events);
    this.#repair = setInterval(() => {
      this.hint();
    }, REPAIR_MS);
  }

  /** Begins to read for the destinations of a partition, from its cursor on. */
  follow(partition: number): void {
    this.#joining.add(partition);
    this.hint();
  }

  unfollow(partition: number): void {
    this.#joining.delete(partition);
    this.#followed.delete(partition);
  }

  /** There may be something to read. */
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
        if (this.#followed.size > 0) await this.#readBatch();
        this.#isFailing = false;
      } catch (error) {
        this.#startOver(error);
      }
    }
    // In the same turn as the last look at `#isHinted`, so that no hint falls in between.
    this.#reading = undefined;
  }

  /** The rooms have gone on to events that are not routed: they are forgotten, and the events read again. */
  #startOver(error: unknown): void {
    this.#rooms.clear();
    // The others do not wait for those that are lost.
    if (error instanceof NotOwnerError) this.#isHinted = true;
    else if (!this.#isFailing) logError(this.options.logger, error, 'Cannot route events to destinations');
    this.#isFailing = !(error instanceof NotOwnerError);
  }

  /** Goes back to where the owners before have come; reading something twice changes nothing. */
  async #readCursors(): Promise<void> {
    if (this.#joining.size === 0) return;
    const cursors = await this.options.destinations.cursors([...this.#joining]);
    if (this.#followed.size === 0) this.#position = Infinity;
    for (const [partition, cursor] of cursors) {
      // It may be lost again by now.
      if (!this.#joining.delete(partition)) continue;
      this.#followed.add(partition);
      if (cursor >= this.#position) continue;
      this.#position = cursor;
      this.#saved = cursor;
      this.#rooms.clear();
    }
  }

  async #readBatch(): Promise<void> {
    const { events, onRouted } = this.options;
    const batch = await events.after(this.#position, BATCH);
    const last = batch.at(-1);
    if (last === undefined) return;
    if (batch.length === BATCH) this.#isHinted = true;
    const routes = await this.#route(batch, last.position);
    const rows = await this.#save(routes, last.position);
    this.#position = last.position;
    if (!routes.isEmpty) onRouted(routes.routes(), rows);
  }

  async #route(batch: Awaited<ReturnType<OutgoingEventReader['after']>>, to: number): Promise<Routes> {
    const { events, serverName } = this.options;
    const routes = new Routes();
    const changes = Map.groupBy(await events.changes(this.#position, to), ({ position }) => position);
    for (const event of batch) {
      const { position, eventNid, roomNid } = event;
      const changesHere = changes.get(position) ?? [];
      const known = this.#rooms.get(roomNid);
      if (!event.isForwarded && serverNameOf(event.sender) !== serverName) {
        for (const change of changesHere) known?.apply(change);
        continue;
      }
      const room = known ?? (await this.#rooms.load(roomNid, position - 1));
      const wasInRoom = room.has(serverName);
      const queued = { position, eventNid, since: performance.now() };
      for (const destination of destinationsOf(event, room, changesHere, serverName)) {
        const partition = this.#partition(destination);
        if (this.#followed.has(partition)) routes.add(destination, partition, roomNid, queued);
      }
      // A join by way of another server brings a whole state, which is no change of the timeline.
      if (!wasInRoom) this.#rooms.forget(roomNid);
    }
    return routes;
  }

  async #save(routes: Routes, position: number): Promise<ReadonlyMap<ServerName, RoutedDestination>> {
    const isDue = position - this.#saved >= MAX_UNSAVED;
    const partitions = isDue ? [...this.#followed] : routes.partitions();
    if (partitions.length === 0) return new Map();
    const rows = await this.options.owned.commit(partitions, async (transactor) => {
      const routed = routes.isEmpty ? [] : await transactor.route(routes.rooms());
      await transactor.advanceCursors(partitions, position);
      return routed;
    });
    if (isDue) this.#saved = position;
    return new Map(rows.map((row) => [row.destination, row]));
  }

  #partition(destination: ServerName): number {
    const known = this.#partitionOf.get(destination);
    if (known !== undefined) return known;
    const partition = partitionOf(destination, this.options.partitions);
    this.#partitionOf.set(destination, partition);
    return partition;
  }
}
