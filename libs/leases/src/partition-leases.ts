import { type Database, type Fence, LeaseReader, LeaseTransactor, type PartitionRow } from '@atoll/database';
import type { Ownership, PartitionGate } from '@atoll/redis-streams';
import { Logger } from '@nestjs/common';
import { setImmediate, setTimeout } from 'node:timers/promises';
import { Heartbeat } from './heartbeat.js';
import { fencedCommits, observeLeases, ownershipChanges, sessionsEnded } from './lease-metrics.js';
import { targetPartitions } from './rendezvous.js';
import { RepeatingTask } from './repeating-task.js';
import { UnownedPartitions } from './unowned-partitions.js';

const RECONCILE_MS = 1_000;
/** A run of the reconcile loop that takes longer is reported, and no longer waited for. */
const STUCK_MS = 5_000;
/** Work on a partition that has to go gets this long to end; after that the fence refuses it. */
const DRAIN_MS = 5_000;

export interface PartitionLeasesOptions {
  /** A small pool of its own: heartbeats that queue behind work cost the lease. Statements of at most 2 s. */
  readonly database: Pick<Database, 'db'>;
  readonly kind: string;
  /** Unique over running processes, and the application name of all their database sessions. */
  readonly instance: string;
  /** How many partitions the installation has. */
  readonly partitions: number;
  onAcquired?(partition: number, epoch: number): void;
  /** No new work is let in from now on; the partition is given up when this resolves, or after 5 s. */
  onReleasing?(partition: number): Promise<void>;
  /** The partition belongs to another instance or epoch already: drop what is in memory. */
  onLost?(partition: number): void;
  /** Tells the other instances to call {@link PartitionLeases.hint}. */
  announceChange?(): void;
}

/**
 * The partitions that one instance owns. Renews its membership every second, compares what it owns with what it should own
 * every second and on a hint, releases first, then claims. It only says who should write: what is written is protected by
 * the fence in each commit.
 */
export class PartitionLeases implements PartitionGate {
  readonly #options: PartitionLeasesOptions;
  readonly #reader: LeaseReader;
  readonly #transactor: LeaseTransactor;
  readonly #heartbeat: Heartbeat;
  readonly #reconciling = new RepeatingTask(() => this.#reconcileInTime(), RECONCILE_MS);
  readonly #logger = new Logger('PartitionLeases');
  readonly #owned = new Map<number, number>();
  readonly #draining = new Map<number, Promise<void>>();
  #drained: Fence[] = [];
  #giveUp: Promise<void> | undefined;
  readonly #unowned = new UnownedPartitions();
  #rows: ReadonlyMap<number, PartitionRow> = new Map();
  #targets: { readonly of: string; readonly partitions: ReadonlySet<number> } = {
    of: '',
    partitions: new Set(),
  };
  #reconciledAt = performance.now();
  #isFailing = false;
  #stopObserving = (): void => undefined;

  constructor(options: PartitionLeasesOptions) {
    const { database, kind, instance } = options;
    this.#options = options;
    this.#reader = new LeaseReader(database, kind);
    this.#transactor = new LeaseTransactor(database, kind, instance);
    this.#heartbeat = new Heartbeat(this.#transactor, (error) => {
      this.#logger.error(error);
    });
  }

  /** Joins. Call it when the process is ready to work; resolves after the first claims. */
  async start(): Promise<void> {
    await this.#transactor.prepare(this.#options.partitions);
    await this.#heartbeat.start();
    this.#stopObserving = observeLeases(this.#options.kind, () => ({
      owned: this.#owned.size,
      unowned: this.#unowned.count,
      heartbeatAgeSeconds: this.#heartbeat.age / 1000,
      reconcileAgeSeconds: (performance.now() - this.#reconciledAt) / 1000,
    }));
    await this.#reconcileInTime();
    this.#options.announceChange?.();
    this.#reconciling.start();
  }

  /** Partition → epoch of what this instance works on; those that it is about to release are not among them. */
  owned(): ReadonlyMap<number, number> {
    return this.#owned;
  }

  /** Whether the membership is surely alive, by this process's own clock. */
  mayWrite(): boolean {
    return this.#heartbeat.isValid;
  }

  check(partition: number, epoch: number): Ownership {
    const own = this.#owned.get(partition);
    if (own !== undefined && this.mayWrite()) {
      return own === epoch ? { owned: true } : { owned: false, owner: this.#options.instance, epoch: own };
    }
    const row = this.#rows.get(partition);
    if (!row?.ownerIsLive || row.owner === null || row.owner === this.#options.instance)
      return { owned: false };
    return { owned: false, owner: row.owner, epoch: row.epoch };
  }

  /** A commit was refused for this partition: it is not ours, whatever we thought. */
  fencedOut(partition: number): void {
    fencedCommits.add(1, { kind: this.#options.kind });
    this.#lose(partition);
    this.hint();
  }

  /** Something changed: reconcile now. */
  hint(): void {
    this.#reconciling.runSoon();
  }

  /**
   * Leaves: drains and releases every partition, so that the others take over at once. Nothing runs on afterwards, even when the
   * database cannot be told; then the call fails, and the others take over when the membership expires.
   */
  async leave(): Promise<void> {
    await this.#reconciling.stop();
    try {
      await this.#heartbeat.announceLeaving();
    } finally {
      for (const partition of [...this.#owned.keys()]) this.#release(partition);
      await Promise.all(this.#draining.values());
      await this.#heartbeat.stop();
      this.#stopObserving();
    }
    await this.#transactor.leave();
    this.#options.announceChange?.();
  }

  async #reconcileInTime(): Promise<void> {
    const done = new AbortController();
    try {
      const stuck = setTimeout(STUCK_MS, 'stuck' as const, { signal: done.signal });
      const outcome = await Promise.race([this.#reconcile(), stuck]);
      if (outcome === 'stuck') throw new Error('reconciling the partitions takes too long');
      this.#isFailing = false;
    } catch (error) {
      if (!this.#isFailing) this.#logger.error(error);
      this.#isFailing = true;
    } finally {
      done.abort();
    }
  }

  async #reconcile(): Promise<void> {
    // Without a live membership this would seem to be nobody's target; the next heartbeat decides.
    if (!this.mayWrite()) return;
    const { instance } = this.#options;
    const targets = this.#targetsOf(await this.#reader.liveMembers());
    const rows = await this.#reader.partitions();
    this.#rows = new Map(rows.map((row) => [row.partition, row]));
    this.#unowned.update(rows);
    for (const { partition, owner, epoch } of rows) {
      const own = this.#owned.get(partition);
      if (own !== undefined && own <= epoch && (owner !== instance || own !== epoch)) this.#lose(partition);
    }
    for (const partition of [...this.#owned.keys()]) if (!targets.has(partition)) this.#release(partition);
    const forgotten = rows.filter((row) => row.owner === instance && !this.#holds(row.partition));
    await this.#transactor.release(forgotten.filter(({ partition }) => !targets.has(partition)));
    const wanted = rows.filter(({ partition }) => targets.has(partition) && !this.#holds(partition));
    await this.#claim(wanted.filter((row) => !row.ownerIsLive || row.owner === instance));
    this.#reconciledAt = performance.now();
  }

  async #claim(free: readonly PartitionRow[]): Promise<void> {
    if (free.length === 0) return;
    const partitions = free.map(({ partition }) => partition);
    const taken = await this.#transactor.claim(partitions);
    for (const { partition, epoch } of taken) this.#acquire(partition, epoch);
    if (taken.length === free.length) return;
    // Some rows are locked: by a live commit, which will end, or by an owner that froze inside one.
    const ended = await this.#transactor.endTransactionsOfExpired();
    sessionsEnded.add(ended);
    if (ended > 0) this.hint();
  }

  #targetsOf(members: readonly string[]): ReadonlySet<number> {
    const of = members.join();
    if (this.#targets.of !== of) {
      const { instance, partitions } = this.#options;
      this.#targets = { of, partitions: targetPartitions(instance, members, partitions) };
    }
    return this.#targets.partitions;
  }

  #holds(partition: number): boolean {
    return this.#owned.has(partition) || this.#draining.has(partition);
  }

  #acquire(partition: number, epoch: number): void {
    if (epoch <= (this.#owned.get(partition) ?? -1)) return;
    this.#owned.set(partition, epoch);
    this.#count('acquired');
    this.#options.onAcquired?.(partition, epoch);
  }

  #lose(partition: number): void {
    if (!this.#owned.delete(partition)) return;
    this.#count('lost');
    this.#options.onLost?.(partition);
  }

  #release(partition: number): void {
    const epoch = this.#owned.get(partition);
    if (epoch === undefined) return;
    this.#owned.delete(partition);
    const release = this.#drainAndRelease(partition, epoch)
      .catch((error: unknown) => {
        this.#logger.error(error);
      })
      .finally(() => this.#draining.delete(partition));
    this.#draining.set(partition, release);
  }

  async #drainAndRelease(partition: number, epoch: number): Promise<void> {
    const drained = this.#drain(partition).catch((error: unknown) => {
      this.#logger.error(error);
    });
    await Promise.race([drained, setTimeout(DRAIN_MS, undefined, { ref: false })]);
    this.#drained.push({ partition, epoch });
    await (this.#giveUp ??= setImmediate().then(() => this.#giveUpDrained()));
  }

  async #drain(partition: number): Promise<void> {
    await this.#options.onReleasing?.(partition);
  }

  /** A release that fails leaves rows that are ours but not held; the next reconcile sees to them. */
  async #giveUpDrained(): Promise<void> {
    this.#giveUp = undefined;
    const drained = this.#drained.splice(0);
    await this.#transactor.release(drained);
    this.#count('released', drained.length);
    this.#options.announceChange?.();
  }

  #count(change: 'acquired' | 'released' | 'lost', partitions = 1): void {
    ownershipChanges.add(partitions, { kind: this.#options.kind, change });
  }
}
