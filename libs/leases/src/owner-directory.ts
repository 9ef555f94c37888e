import { type Database, LeaseReader } from '@atoll/database';
import type { OwnerResolver } from '@atoll/redis-streams';

/** A map older than this is read again, behind the answers that it still gives. */
const MAX_AGE_MS = 2_000;

interface Owner {
  readonly instance: string;
  readonly epoch: number;
}

/** Which instance of a kind owns a partition, for callers: a cached map, read again when it proves wrong. */
export class OwnerDirectory implements OwnerResolver {
  readonly #reader: LeaseReader;
  readonly #owners = new Map<number, Owner>();
  readonly #forgotten = new Set<number>();
  #loading: Promise<void> | undefined;
  #loadedAt = -Infinity;

  constructor(database: Pick<Database, 'db'>, kind: string) {
    this.#reader = new LeaseReader(database, kind);
  }

  /** The live owner; an owner whose membership has expired counts as none. Many callers share one query. */
  async ownerOf(partition: number): Promise<Owner | undefined> {
    const known = this.#owners.get(partition);
    if (known) {
      if (performance.now() - this.#loadedAt > MAX_AGE_MS) this.#load().catch(() => undefined);
      return known;
    }
    await this.#load();
    // Forgotten while that answer was on its way: the answer may be as old as what was forgotten.
    if (this.#forgotten.has(partition)) await this.#load();
    return this.#owners.get(partition);
  }

  forget(partition: number): void {
    this.#owners.delete(partition);
    this.#forgotten.add(partition);
  }

  learn(partition: number, owner: string, epoch: number): void {
    if (epoch <= (this.#owners.get(partition)?.epoch ?? -1)) return;
    this.#owners.set(partition, { instance: owner, epoch });
  }

  /** The instances of this kind that are live and stay. */
  liveMembers(): Promise<string[]> {
    return this.#reader.liveMembers();
  }

  #load(): Promise<void> {
    this.#loading ??= this.#read().finally(() => (this.#loading = undefined));
    return this.#loading;
  }

  async #read(): Promise<void> {
    this.#forgotten.clear();
    for (const { partition, owner, epoch, ownerIsLive } of await this.#reader.partitions()) {
      if (this.#forgotten.has(partition) || epoch < (this.#owners.get(partition)?.epoch ?? 0)) continue;
      if (owner !== null && ownerIsLive) this.#owners.set(partition, { instance: owner, epoch });
      else this.#owners.delete(partition);
    }
    this.#loadedAt = performance.now();
  }
}
