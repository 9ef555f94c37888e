import { STREAM_START, compareIds, entryTime } from './stream-id.js';
import type { RedisConnection } from './connect-redis.js';

const HEARTBEAT_MS = 1_000;
/** A dead instance's stream is gone after this time, and writers learn of it by the first write. */
const LIFETIME_MS = 30_000;

/**
 * Keeps the one stream that an instance reads (inbox or replies) alive: each second an empty entry creates it where a
 * flush or restart took it away, renews its life, wakes its reader, and tells the clock of Redis.
 */
export class OwnStream {
  /** The last entry that the reader has taken. */
  lastId = STREAM_START;
  /** Entries in the stream at the last heartbeat. */
  depth = 0;
  private clockOffset = 0;
  private timer: NodeJS.Timeout | undefined;
  private lastBeat = Number.NEGATIVE_INFINITY;
  private beating = false;
  private stopListening: () => void = () => undefined;

  constructor(
    private readonly redis: RedisConnection,
    readonly key: string,
    private readonly afterBeat: () => void = () => undefined,
  ) {}

  /** Now, in ms, by the clock that makes entry ids. */
  now(): number {
    return Date.now() + this.clockOffset;
  }

  /** True while heartbeats reach Redis. */
  isAlive(): boolean {
    return performance.now() - this.lastBeat < 5 * HEARTBEAT_MS;
  }

  start(): void {
    const beat = () => {
      void this.beat();
    };
    this.redis.on('ready', beat);
    this.timer = setInterval(beat, HEARTBEAT_MS);
    this.timer.unref();
    beat();
    this.stopListening = () => {
      this.redis.off('ready', beat);
    };
  }

  /** Removes the stream: the next write finds nothing and its writer looks elsewhere. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.stopListening();
    await this.redis.del(this.key).catch(() => undefined);
  }

  private async beat(): Promise<void> {
    if (this.beating || this.redis.status !== 'ready') return;
    this.beating = true;
    try {
      const sentAt = Date.now();
      const readBefore = this.lastId;
      const [id, , depth] = await Promise.all([
        this.redis.xadd(this.key, '*', 'heartbeat', ''),
        this.redis.pexpire(this.key, LIFETIME_MS),
        this.redis.xlen(this.key),
      ]);
      if (id === null) return;
      this.clockOffset = entryTime(id) - sentAt;
      this.depth = depth;
      this.lastBeat = performance.now();
      // A restarted or failed-over Redis may count from an earlier time: what is there now is all unread.
      if (compareIds(id, readBefore) < 0) this.lastId = STREAM_START;
      this.afterBeat();
    } catch {
      // The connection logs its own outages; the next beat tries again.
    } finally {
      this.beating = false;
    }
  }
}
