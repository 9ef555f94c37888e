import type { Candidate } from './candidate.js';
import { isSettled, resolveServerName } from './resolve-server-name.js';
import { splitServerName } from './server-name-parts.js';
import { SharedCache } from './shared-cache.js';
import type { SrvRecord } from './srv-order.js';
import { WellKnownLookup, type FetchWellKnown } from './well-known-lookup.js';

export interface ServerDiscoveryOptions {
  readonly fetchWellKnown: FetchWellKnown;
  /** Empty or rejecting when there is no record. */
  readonly srv: (name: string) => Promise<readonly SrvRecord[]>;
  /** Milliseconds of the epoch. */
  readonly now?: () => number;
  readonly random?: () => number;
  /** Host names of which anything is remembered. */
  readonly maxEntries?: number;
}

/** Node's resolver does not tell the lifetime of SRV records. When a target fails, they are looked up again earlier. */
const SRV_LIFETIME = 300_000;
/** A peer that returns after an outage, perhaps with another delegation, must be found within 30 s. */
const DOUBTFUL_LIFETIME = 15_000;

/**
 * Finds out where servers answer and remembers it; concurrent askers share one look-up.
 * @see https://spec.matrix.org/v1.19/server-server-api/#server-discovery
 */
export class ServerDiscovery {
  readonly #wellKnown: WellKnownLookup;
  readonly #candidates: SharedCache<readonly Candidate[]>;
  readonly #srv: ServerDiscoveryOptions['srv'];
  readonly #random: () => number;
  readonly #now: () => number;

  constructor({
    fetchWellKnown,
    srv,
    now = Date.now,
    random = Math.random,
    maxEntries = 10_000,
  }: ServerDiscoveryOptions) {
    this.#wellKnown = new WellKnownLookup(fetchWellKnown, maxEntries, now);
    this.#candidates = new SharedCache(maxEntries, now);
    this.#srv = srv;
    this.#random = random;
    this.#now = now;
  }

  /** Candidates in the order to try; none when the name is invalid or the service is not available. Never rejects. */
  discover(serverName: string): Promise<readonly Candidate[]> {
    return this.#candidates.get(serverName, async () => ({
      value: await resolveServerName(serverName, {
        delegation: (hostname) => this.#wellKnown.delegation(hostname),
        srv: this.#srv,
        random: this.#random,
      }),
      lifetimeMs: this.#lifetimeOf(serverName),
    }));
  }

  /** To be told when no candidate could be reached: what was found out by default is then looked up again soon. */
  reconsider(serverName: string): void {
    this.#candidates.limitAge(serverName, DOUBTFUL_LIFETIME);
    const hostname = delegatingHost(serverName);
    if (hostname !== undefined) this.#wellKnown.limitErrorAge(hostname, DOUBTFUL_LIFETIME);
  }

  /** As long as SRV records are kept, but not longer than what `.well-known` said. */
  #lifetimeOf(serverName: string): number {
    const hostname = delegatingHost(serverName);
    const expiry = hostname === undefined ? undefined : this.#wellKnown.expiryOf(hostname);
    return expiry === undefined ? SRV_LIFETIME : Math.min(SRV_LIFETIME, expiry - this.#now());
  }
}

/** The host that `.well-known` is asked of, if it is. */
function delegatingHost(serverName: string): string | undefined {
  const parts = splitServerName(serverName);
  return parts === undefined || isSettled(parts) ? undefined : parts.host;
}
