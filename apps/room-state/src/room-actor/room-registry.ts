import type { RoomActorReader } from '@atoll/database';
import type { EventId, RoomId } from '@atoll/matrix';
import { NotOwner } from '@atoll/redis-streams';
import { type RoomVersionRules, rulesOf, type StateKey, stateKey } from '@atoll/room-rules';
import { LRUCache } from 'lru-cache';
import type { EventCache } from './event-cache.js';
import { RoomActor } from './room-actor.js';

/** The partitions that this instance owns, with the epochs of its ownership. */
export interface OwnedPartitions {
  owned(): ReadonlyMap<number, number>;
}

/**
 * The rooms in memory: loaded on demand; idle ones stay within a byte budget, the least recently used leave first. A room
 * that somebody works on never leaves, so that there is one actor for it and no second one beside it.
 */
export class RoomRegistry {
  private readonly idle: LRUCache<RoomId, RoomActor>;
  private readonly inUse = new Map<RoomId, { actor: RoomActor; users: number }>();
  private readonly loading = new Map<RoomId, Promise<RoomActor | undefined>>();

  constructor(
    private readonly reader: RoomActorReader,
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
    const actor = this.inUse.get(roomId)?.actor ?? this.idle.get(roomId) ?? (await this.loadOnce(roomId));
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

  private loadOnce(roomId: RoomId): Promise<RoomActor | undefined> {
    let load = this.loading.get(roomId);
    if (!load) {
      load = this.load(roomId).finally(() => this.loading.delete(roomId));
      this.loading.set(roomId, load);
    }
    return load;
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

  /** Drops a room that was loaded under another version: only one of which this server has no state can change it. */
  dropUnless(roomId: RoomId, rules: RoomVersionRules): void {
    const actor = this.inUse.get(roomId)?.actor ?? this.idle.peek(roomId);
    if (actor && actor.rules !== rules) this.drop(actor);
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
