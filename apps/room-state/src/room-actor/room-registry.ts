import type { RoomActorReader, RoomBlockReader } from '@atoll/database';
import type { EventId, RoomId } from '@atoll/matrix';
import { NotOwner } from '@atoll/redis-streams';
import { type RoomVersionRules, rulesOf, type StateKey, stateKey } from '@atoll/room-rules';
import { LRUCache } from 'lru-cache';
import type { EventCache } from './event-cache.js';
import { ActorDropped, RoomActor } from './room-actor.js';

/** The partitions that this instance owns, with the epochs of its ownership. */
export interface OwnedPartitions {
  owned(): ReadonlyMap<number, number>;
}

/** Rooms of which it is remembered under which number they were last met. */
const MAX_NUMBERS = 100_000;

/**
 * The rooms in memory: loaded on demand; idle ones stay within a byte budget, the least recently used leave first. A room
 * that somebody works on never leaves, so that there is one actor for it and no second one beside it.
 */
export class RoomRegistry {
  private readonly idle: LRUCache<RoomId, RoomActor>;
  private readonly inUse = new Map<RoomId, { actor: RoomActor; users: number }>();
  private readonly loading = new Map<RoomId, Promise<RoomActor | undefined>>();
  private readonly numbers = new LRUCache<RoomId, number>({ max: MAX_NUMBERS });

  constructor(
    private readonly reader: RoomActorReader,
    private readonly blocks: RoomBlockReader,
    private readonly events: EventCache,
    private readonly partitions: OwnedPartitions,
    private readonly partitionOf: (roomId: RoomId) => number,
    maxBytes: number,
  ) {
    this.idle = new LRUCache({ maxSize: maxBytes, sizeCalculation: (room) => room.bytes });
  }

  /**
   * The actor of a room, held until {@link release}; `undefined` when the room does not exist.
   * @throws NotOwner
   */
  async acquire(roomId: RoomId): Promise<RoomActor | undefined> {
    const actor = this.inUse.get(roomId)?.actor ?? this.idleActor(roomId) ?? (await this.loadOnce(roomId));
    if (actor) this.hold(actor);
    return actor;
  }

  /** Takes up a room that is being created: nobody else can know it yet. */
  adopt(actor: RoomActor): void {
    this.hold(actor);
  }

  release(actor: RoomActor): void {
    const entry = this.inUse.get(actor.roomId);
    if (entry?.actor !== actor) return;
    entry.users -= 1;
    if (entry.users > 0) return;
    this.inUse.delete(actor.roomId);
    if (!actor.dropped) this.idle.set(actor.roomId, actor);
  }

  private hold(actor: RoomActor): void {
    const entry = this.inUse.get(actor.roomId);
    if (entry?.actor === actor) entry.users += 1;
    else this.inUse.set(actor.roomId, { actor, users: 1 });
    this.idle.delete(actor.roomId);
  }

  /** Nobody tells when a blocked room is opened again: that is looked up. */
  private idleActor(roomId: RoomId): RoomActor | undefined {
    const actor = this.idle.get(roomId);
    return actor?.isBlocked ? undefined : actor;
  }

  private loadOnce(roomId: RoomId): Promise<RoomActor | undefined> {
    let load = this.loading.get(roomId);
    if (!load) {
      load = this.blockedOrLoad(roomId).finally(() => this.loading.delete(roomId));
      this.loading.set(roomId, load);
    }
    return load;
  }

  /** A blocked room that is idle, should it still be blocked: its whole state need not be read to refuse a command. */
  private async blockedOrLoad(roomId: RoomId): Promise<RoomActor | undefined> {
    const actor = this.idle.peek(roomId);
    if (!actor || !(await this.blocks.isBlocked(roomId)) || actor.dropped) return this.load(roomId);
    this.inUse.set(roomId, { actor, users: 0 });
    return actor;
  }

  /**
   * The epoch under which this instance owns a room's partition.
   * @throws NotOwner
   */
  ownership(roomId: RoomId): { partition: number; epoch: number } {
    const partition = this.partitionOf(roomId);
    const epoch = this.partitions.owned().get(partition);
    if (epoch === undefined) throw new NotOwner(partition);
    return { partition, epoch };
  }

  /** The partitions that this instance owns now. */
  ownedPartitions(): number[] {
    return [...this.partitions.owned().keys()];
  }

  private async load(roomId: RoomId): Promise<RoomActor | undefined> {
    const { partition, epoch } = this.ownership(roomId);
    const loaded = await this.reader.loadRoom(roomId);
    if (!loaded) return undefined;
    this.met(roomId, loaded.roomNid);
    const rules = rulesOf(loaded.version);
    if (!rules) throw new Error(`Room version ${loaded.version} is not supported`);
    const state = new Map<StateKey, EventId>();
    for await (const page of this.reader.currentState(loaded.roomNid)) {
      for (const entry of page) state.set(stateKey(entry.type, entry.stateKey), entry.eventId);
    }
    // The partition may have gone while the database answered: what was read may be old then.
    if (this.partitions.owned().get(partition) !== epoch) throw new NotOwner(partition);
    const actor = new RoomActor(
      roomId,
      loaded.roomNid,
      rules,
      partition,
      epoch,
      state,
      new Map(loaded.extremities.map(({ eventId, eventNid }) => [eventId, eventNid])),
      loaded.depth,
      loaded.lastPosition,
      loaded.isBlocked,
    );
    // Held without a user until those who wait for the load take it up.
    this.inUse.set(roomId, { actor, users: 0 });
    return actor;
  }

  /** Forgets a room and what it has decided since its last commit. */
  drop(actor: RoomActor): void {
    for (const event of actor.drop()) this.events.forget(event);
    if (this.inUse.get(actor.roomId)?.actor === actor) this.inUse.delete(actor.roomId);
    if (this.idle.peek(actor.roomId) === actor) this.idle.delete(actor.roomId);
  }

  /** Another owner may have deleted the room since its events were read, and it may have come anew. */
  met(roomId: RoomId, roomNid: number): void {
    const before = this.numbers.get(roomId);
    if (before !== undefined && before !== roomNid) this.events.evictRoom(roomId);
    this.numbers.set(roomId, roomNid);
  }

  /**
   * Forgets a room and all that was read of it, because rows of it were deleted or it was closed. In its turn and with nothing
   * uncommitted: what is on its way to the database would not be seen by the next load, and be overwritten.
   */
  forgetRoom(roomId: RoomId): void {
    const actor = this.inUse.get(roomId)?.actor ?? this.idle.peek(roomId);
    if (actor) this.drop(actor);
    this.events.evictRoom(roomId);
  }

  /**
   * Drops a room that was loaded under another version, when nothing of it is uncommitted: only one of which this server has no state can
   * change it. Not within a turn of the room, for it waits for one.
   */
  async dropUnless(roomId: RoomId, rules: RoomVersionRules): Promise<void> {
    const actor = this.inUse.get(roomId)?.actor ?? this.idle.peek(roomId);
    if (!actor || actor.rules === rules) return;
    try {
      await actor.exclusive('commands', async () => {
        await actor.drained();
        this.drop(actor);
      });
    } catch (error) {
      if (!(error instanceof ActorDropped)) throw error;
    }
  }

  /** Drops every room of a partition; commands that work on them start again and find the new owner. */
  dropPartition(partition: number): void {
    for (const actor of this.actors()) if (actor.partition === partition) this.drop(actor);
  }

  /** Resolves when no room of the partition has uncommitted events. */
  async drainPartition(partition: number): Promise<void> {
    const actors = [...this.inUse.values()].flatMap(({ actor }) =>
      actor.partition === partition ? actor : [],
    );
    await Promise.allSettled(actors.map((actor) => actor.drained()));
  }

  private actors(): RoomActor[] {
    return [...this.idle.values(), ...[...this.inUse.values()].map(({ actor }) => actor)];
  }

  get size(): number {
    return this.idle.size + this.inUse.size;
  }

  /** Approximate memory of the idle rooms, in bytes. */
  get idleBytes(): number {
    return this.idle.calculatedSize;
  }
}
