import {
  type DestinationReader,
  NotOwnerError,
  type OutgoingEventReader,
  type RoomServersChange,
  type RoutedDestination,
} from '@atoll/database';
import { type ServerName, serverNameOf } from '@atoll/matrix';
import { type Logger, logError } from '@atoll/telemetry';
import type { OwnedPartitions } from '../owned-partitions.js';
import { destinationsOf } from './destinations-of.js';
import type { RoomServers } from './room-servers.js';
import { RoomServersCache } from './room-servers-cache.js';
import { type Route, Routes } from './routes.js';

const REPAIR_MS = 1_000;
const BATCH = 500;
/** Positions that may be read again after a restart, because nothing in them was for anybody. */
const MAX_UNSAVED = 2_000;
/** Others wait for the cursors too: a room is purged when all that was in it is routed. */
const MAX_UNSAVED_MS = 5_000;

export interface StreamRouterOptions {
  readonly events: OutgoingEventReader;
  readonly destinations: DestinationReader;
  readonly owned: OwnedPartitions;
  readonly serverName: ServerName;
  readonly partitionOf: (destination: ServerName) => number;
  readonly logger: Logger;
  /** Told of what was made durable, with what is known of each destination. */
  readonly onRouted: (routes: readonly Route[], rows: ReadonlyMap<ServerName, RoutedDestination>) => void;
  /** Told of what changed in who is in which room, once the rooms have followed. */
  readonly onChanges?: (changes: readonly RoomServersChange[]) => void;
}

/** Who is in a room, asked by somebody who may not miss anybody. */
interface Question {
  readonly roomNid: number;
  /** Up to where the stream must have been followed. */
  readonly notBefore: number;
  readonly answer: (room: RoomServers) => void;
  readonly fail: (error: unknown) => void;
  /** While no partition is followed. */
  readonly refuse: () => void;
}

/** Users of one server in a room. */
export interface UsersInRoom {
  readonly count: number;
  /** Of the events stream, when they were so many. */
  readonly position: number;
}

/**
 * Reads the events stream and decides which server is sent what. What it decides is durable before anything is sent, with the cursors
 * of the partitions concerned; it goes on from the cursors. Announcements are hints, a look each second repairs what they miss.
 */
export class StreamRouter {
  readonly #rooms: RoomServersCache;
  /** Partitions that were acquired, and whose cursors are not read yet. */
  readonly #joining = new Set<number>();
  readonly #followed = new Set<number>();
  #position = Infinity;
  /** Up to where the cursors of all partitions are written, and when they were. */
  #saved = 0;
  #savedAt = 0;
  #isHinted = false;
  #isStopped = false;
  #isFailing = false;
  #reading: Promise<void> | undefined;
  readonly #questions: Question[] = [];
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

  /**
   * The other servers in a room, as far as the stream was followed, without those that its server ACL denies; none before it follows any
   * partition.
   */
  serversIn(roomNid: number): Promise<ServerName[]> {
    return this.#ask(roomNid, 0, (room) => this.#others(room.allowed()), []);
  }

  /**
   * The other servers in a room, those that its server ACL denies too, when the stream was followed up to a position at least.
   * @throws NotOwnerError while it follows no partition
   */
  allServersIn(roomNid: number, notBefore: number): Promise<ServerName[]> {
    return this.#ask(roomNid, notBefore, (room) => this.#others(room.joined()));
  }

  /** How many users of a server are in a room. @throws NotOwnerError as {@link allServersIn} */
  usersIn(roomNid: number, server: ServerName, notBefore: number): Promise<UsersInRoom> {
    return this.#ask(roomNid, notBefore, (room) => ({
      count: room.usersOf(server),
      position: this.#position,
    }));
  }

  /** Resolves when nothing is read any more. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#repair);
    await this.#reading;
    this.#answerNothing();
  }

  /** @param otherwise while no partition is followed; an error where there is none */
  #ask<T>(roomNid: number, notBefore: number, read: (room: RoomServers) => T, otherwise?: T): Promise<T> {
    const { promise, resolve, reject } = Promise.withResolvers<T>();
    const refuse = () => {
      if (otherwise === undefined) reject(new NotOwnerError([]));
      else resolve(otherwise);
    };
    if (this.#isStopped) refuse();
    else {
      const answer = (room: RoomServers) => {
        resolve(read(room));
      };
      this.#questions.push({ roomNid, notBefore, answer, fail: reject, refuse });
      this.hint();
    }
    return promise;
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
      await this.#answerQuestions();
    }
    // In the same turn as the last look at `#isHinted`, so that no hint falls in between.
    this.#reading = undefined;
  }

  /** Between two batches, when every room that is kept stands at the same position. */
  async #answerQuestions(): Promise<void> {
    if (this.#followed.size === 0) {
      if (this.#joining.size === 0) this.#answerNothing();
      return;
    }
    for (const question of this.#questions.splice(0)) {
      const { roomNid, notBefore, answer, fail } = question;
      if (this.#position < notBefore) this.#questions.push(question);
      else await this.#room(roomNid).then(answer, fail);
    }
  }

  #answerNothing(): void {
    for (const { refuse } of this.#questions.splice(0)) refuse();
  }

  async #room(roomNid: number): Promise<RoomServers> {
    return this.#rooms.get(roomNid) ?? this.#rooms.load(roomNid, this.#position);
  }

  #others(servers: Iterable<ServerName>): ServerName[] {
    return [...servers].filter((server) => server !== this.options.serverName);
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
    if (last === undefined) {
      // What was read last may have been for nobody.
      if (this.#position > this.#saved) await this.#save(new Routes(), this.#position);
      return;
    }
    if (batch.length === BATCH) this.#isHinted = true;
    const changes = await events.changes(this.#position, last.position);
    const routes = await this.#route(batch, changes);
    const rows = await this.#save(routes, last.position);
    this.#position = last.position;
    if (!routes.isEmpty) onRouted(routes.routes(), rows);
    this.options.onChanges?.(changes);
  }

  async #route(
    batch: Awaited<ReturnType<OutgoingEventReader['after']>>,
    allChanges: readonly RoomServersChange[],
  ): Promise<Routes> {
    const { serverName } = this.options;
    const routes = new Routes();
    const changes = Map.groupBy(allChanges, ({ position }) => position);
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
        const partition = this.options.partitionOf(destination);
        if (this.#followed.has(partition)) routes.add(destination, partition, roomNid, queued);
      }
      // A join by way of another server brings a whole state, which is no change of the timeline.
      if (!wasInRoom) this.#rooms.forget(roomNid);
    }
    return routes;
  }

  async #save(routes: Routes, position: number): Promise<ReadonlyMap<ServerName, RoutedDestination>> {
    const now = performance.now();
    const isDue = position - this.#saved >= MAX_UNSAVED || now - this.#savedAt >= MAX_UNSAVED_MS;
    const partitions = isDue ? [...this.#followed] : routes.partitions();
    if (partitions.length === 0) return new Map();
    const rows = await this.options.owned.commit(partitions, async (transactor) => {
      const routed = routes.isEmpty ? [] : await transactor.route(routes.rooms());
      await transactor.advanceCursors(partitions, position);
      return routed;
    });
    if (isDue) [this.#saved, this.#savedAt] = [position, now];
    return new Map(rows.map((row) => [row.destination, row]));
  }
}
