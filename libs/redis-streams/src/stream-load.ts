import { overloaded } from '@atoll/matrix';
import type { RedisConnection } from './connect-redis.js';

const SAMPLE_EVERY_MS = 100;
const FORGET_WAIT_MS = 1_000;
const RETRY_AFTER_MS = 1_000;
const MAX_STREAMS = 1_000;

interface Load {
  depth: number;
  sampledAt: number;
  waited: number;
  waitedAt: number;
}

/**
 * How loaded the streams are that this process writes to: their length, looked up ten times a second while they are
 * used, and how long the last answered request had lain in them.
 */
export class StreamLoad {
  private readonly loads = new Map<string, Load>();

  constructor(
    private readonly redis: RedisConnection,
    private readonly maxDepth: number,
    private readonly maxWaitMs: number,
  ) {}

  /** @throws MatrixError 503 with `retry_after_ms` when a bound of the stream is reached. */
  check(key: string): void {
    const now = performance.now();
    const load = this.loadOf(key);
    if (now - load.sampledAt > SAMPLE_EVERY_MS) this.sample(key, load, now);
    const waited = now - load.waitedAt > FORGET_WAIT_MS ? 0 : load.waited;
    if (load.depth > this.maxDepth || waited > this.maxWaitMs) throw overloaded(RETRY_AFTER_MS);
  }

  /** An answer told how long its request had waited, in ms. */
  sawWait(key: string, waited: number): void {
    const load = this.loadOf(key);
    load.waited = waited;
    load.waitedAt = performance.now();
  }

  private sample(key: string, load: Load, now: number): void {
    load.sampledAt = now;
    this.redis.xlen(key).then(
      (depth) => {
        load.depth = depth;
      },
      () => undefined,
    );
  }

  private loadOf(key: string): Load {
    let load = this.loads.get(key);
    if (!load) {
      // Instances come and go; what is still in use is sampled again at once.
      if (this.loads.size >= MAX_STREAMS) this.loads.clear();
      load = { depth: 0, sampledAt: Number.NEGATIVE_INFINITY, waited: 0, waitedAt: Number.NEGATIVE_INFINITY };
      this.loads.set(key, load);
    }
    return load;
  }
}
