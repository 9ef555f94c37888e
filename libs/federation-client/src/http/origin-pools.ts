import { LRUCache } from 'lru-cache';
import { Pool, type buildConnector, type Dispatcher } from 'undici';
import type { Candidate } from '../discovery/candidate.js';
import { OutboundError } from './outbound-error.js';

export interface OriginPoolsOptions {
  readonly connector: (target: Candidate) => buildConnector.connector;
  /** Pools that are kept; those not used for longest are closed. */
  readonly maxOrigins: number;
  readonly connectionsPerOrigin: number;
  /** How long a connection is kept without requests, unless the peer asks for less. */
  readonly keepAliveMs: number;
  /** How long a pool is kept without requests. */
  readonly idleOriginMs: number;
  readonly maxHeaderBytes: number;
}

/** Pools connect through their connector; undici only wants to see some origin. */
const ORIGIN = 'https://outbound.invalid';

/** Connections that are kept, by where they lead and what was proved about the other end. */
export class OriginPools {
  readonly #pools: LRUCache<string, Pool>;
  readonly #sweep: NodeJS.Timeout;
  readonly #closing = new Map<Pool, Promise<void>>();
  #closed = false;

  constructor(private readonly options: OriginPoolsOptions) {
    this.#pools = new LRUCache({
      max: options.maxOrigins,
      ttl: options.idleOriginMs,
      updateAgeOnGet: true,
      dispose: (pool) => {
        this.#close(pool);
      },
    });
    this.#sweep = setInterval(() => this.#pools.purgeStale(), options.idleOriginMs).unref();
  }

  /**
   * To be used at once: an evicted pool finishes what it has begun, and takes nothing new.
   * @throws {OutboundError} `unreachable` after {@link close}
   */
  get(target: Candidate): Dispatcher {
    const { host, port, hostHeader, tlsServerName } = target;
    const key = JSON.stringify([host, port, hostHeader, tlsServerName]);
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    const pool = this.#open(target);
    this.#pools.set(key, pool);
    return pool;
  }

  /** A pool for one request, which takes no place among those that are kept. */
  async once<T>(target: Candidate, use: (dispatcher: Dispatcher) => Promise<T>): Promise<T> {
    const pool = this.#open(target);
    try {
      return await use(pool);
    } finally {
      this.#close(pool);
    }
  }

  /** Ends when requests under way have ended, and ends those that have not within the grace. */
  async close(graceMs: number): Promise<void> {
    this.#closed = true;
    clearInterval(this.#sweep);
    this.#pools.clear();
    const timer = setTimeout(() => {
      for (const pool of this.#closing.keys()) void pool.destroy();
    }, graceMs);
    await Promise.all(this.#closing.values());
    clearTimeout(timer);
  }

  #open(target: Candidate): Pool {
    if (this.#closed) throw new OutboundError('unreachable', false);
    const { connector, connectionsPerOrigin, keepAliveMs, maxHeaderBytes } = this.options;
    return new Pool(ORIGIN, {
      connect: connector(target),
      connections: connectionsPerOrigin,
      pipelining: 1,
      allowH2: false,
      keepAliveTimeout: keepAliveMs,
      keepAliveMaxTimeout: keepAliveMs,
      maxHeaderSize: maxHeaderBytes,
    });
  }

  #close(pool: Pool): void {
    this.#closing.set(
      pool,
      pool.close().finally(() => this.#closing.delete(pool)),
    );
  }
}
