import type { StagedPduReader } from '@atoll/database';
import type { RoomId } from '@atoll/matrix';
import { type Logger, logError } from '@atoll/telemetry';
import type { ExtremityMerge } from '../extremities/extremity-merge.js';
import type { RoomRegistry } from '../room-actor/room-registry.js';
import { isLostOwnership, type RoomDrain } from './room-drain.js';
import { RoomInbox } from './room-inbox.js';
import { observeBacklog } from './staged-pdu-metrics.js';

const ROOMS_AT_ONCE = 32;
/** Rooms beyond these are found by the next look at the table. */
const MAX_QUEUED = 10_000;
const SWEEP_MS = 10_000;

/**
 * Has the staged events of this instance's rooms taken: a room when it is announced, all of them from time to time. One drain a room,
 * a bounded number of rooms at once.
 */
export class StagedPdus {
  private readonly inboxes = new Map<RoomId, RoomInbox>();
  private readonly queued = new Set<RoomId>();
  private readonly running = new Map<RoomId, Promise<void>>();
  private readonly again = new Set<RoomId>();
  private sweeping: Promise<void> | undefined;
  private sweepAgain = false;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;
  private backlog: { count: number; oldestTs: number | null } = { count: 0, oldestTs: null };
  private stopObserving = (): void => undefined;

  constructor(
    private readonly registry: RoomRegistry,
    private readonly reader: StagedPduReader,
    private readonly drain: RoomDrain,
    private readonly extremities: ExtremityMerge,
    private readonly logger: Logger,
  ) {}

  /** Looks at the table now and then. */
  start(): void {
    this.stopObserving = observeBacklog(() => this.backlog);
    this.timer = setInterval(() => {
      this.sweep();
    }, SWEEP_MS);
    this.timer.unref();
    this.sweep();
  }

  /** Resolves when the drains in hand are done. What is asked of other servers is not waited for: the next owner asks again. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearInterval(this.timer);
    this.stopObserving();
    this.queued.clear();
    await Promise.all([this.sweeping, ...this.running.values()]);
  }

  /** A room has staged events, as far as it is this instance's. */
  wake(roomId: RoomId): void {
    if (this.isStopped || this.partitionOf(roomId) === undefined) return;
    if (this.running.has(roomId)) this.again.add(roomId);
    else if (this.queued.size < MAX_QUEUED) this.queued.add(roomId);
    this.startMore();
  }

  /** Any room of this instance may have staged events. */
  sweep(): void {
    if (this.isStopped) return;
    this.sweepAgain = this.sweeping !== undefined;
    this.sweeping ??= this.lookAtAll()
      .catch((error: unknown) => {
        logError(this.logger, error, 'Staged events were not looked for');
      })
      .finally(() => {
        this.sweeping = undefined;
        if (this.sweepAgain) this.sweep();
      });
  }

  private async lookAtAll(): Promise<void> {
    const partitions = this.registry.ownedPartitions();
    for (const roomId of this.inboxes.keys()) {
      if (this.partitionOf(roomId) === undefined) this.inboxes.delete(roomId);
    }
    for (const roomId of await this.reader.rooms(partitions, Date.now())) this.wake(roomId);
    this.backlog = await this.reader.backlog(partitions);
  }

  private partitionOf(roomId: RoomId): number | undefined {
    try {
      return this.registry.ownership(roomId).partition;
    } catch (error) {
      if (isLostOwnership(error)) return undefined;
      throw error;
    }
  }

  private startMore(): void {
    for (const roomId of this.queued) {
      if (this.running.size >= ROOMS_AT_ONCE) return;
      this.queued.delete(roomId);
      this.running.set(
        roomId,
        this.run(roomId).finally(() => {
          this.running.delete(roomId);
          if (this.again.delete(roomId)) this.wake(roomId);
          this.startMore();
        }),
      );
    }
  }

  private async run(roomId: RoomId): Promise<void> {
    const partition = this.partitionOf(roomId);
    if (partition === undefined) return;
    const inbox = this.inboxes.get(roomId) ?? new RoomInbox();
    this.inboxes.set(roomId, inbox);
    const isOurs = () => !this.isStopped && this.partitionOf(roomId) !== undefined;
    const again = () => {
      this.wake(roomId);
    };
    try {
      await this.drain.drain({ roomId, partition, inbox, isOurs, again });
      await this.extremities.merge(roomId);
    } catch (error) {
      if (!isLostOwnership(error)) logError(this.logger, error, 'The staged events of a room were not taken');
    } finally {
      if (inbox.isEmpty) this.inboxes.delete(roomId);
    }
  }
}
