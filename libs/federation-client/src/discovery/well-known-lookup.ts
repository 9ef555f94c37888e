import { readDelegation, type WellKnownAnswer } from './delegation.js';
import type { ServerNameParts } from './server-name-parts.js';
import { SharedCache, type Loaded } from './shared-cache.js';
import { statedLifetime } from './stated-lifetime.js';

/** Asks for `https://<hostname>/.well-known/matrix/server`; rejects when there is no answer within bounds. */
export type FetchWellKnown = (hostname: string) => Promise<WellKnownAnswer>;

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DEFAULT_LIFETIME = 24 * HOUR;
const MAX_LIFETIME = 48 * HOUR;
/** Without it, `no-store` would make every request to a server two. */
const MIN_LIFETIME = 5 * MINUTE;
const MAX_ERROR_LIFETIME = HOUR;
const FIRST_ERROR_LIFETIME = MINUTE;

interface Remembered {
  readonly delegation: ServerNameParts | undefined;
  /** In a row. */
  readonly errors: number;
}

/**
 * Step 3: whom a host name delegates to, cached as its answers say.
 * @see https://spec.matrix.org/v1.19/server-server-api/#resolving-server-names
 */
export class WellKnownLookup {
  readonly #cache: SharedCache<Remembered>;

  constructor(
    private readonly fetch: FetchWellKnown,
    maxEntries: number,
    private readonly now: () => number,
  ) {
    this.#cache = new SharedCache(maxEntries, now);
  }

  /** Undefined for an error of any kind. */
  async delegation(hostname: string): Promise<ServerNameParts | undefined> {
    const key = hostname.toLowerCase();
    return (await this.#cache.get(key, (before) => this.#load(key, before?.errors ?? 0))).delegation;
  }

  /** Until when, by the clock, the last answer of a host counts; undefined when none is known. */
  expiryOf(hostname: string): number | undefined {
    return this.#cache.expiryOf(hostname.toLowerCase());
  }

  /** Asks again soon if the last answer was an error. */
  limitErrorAge(hostname: string, ageMs: number): void {
    this.#cache.limitAge(hostname.toLowerCase(), ageMs, ({ errors }) => errors > 0);
  }

  async #load(hostname: string, errorsBefore: number): Promise<Loaded<Remembered>> {
    const answer = await this.fetch(hostname).catch(() => undefined);
    const stated = answer && statedLifetime(answer.headers, this.now());
    const delegation = answer && readDelegation(answer);
    return delegation === undefined
      ? { value: { delegation, errors: errorsBefore + 1 }, lifetimeMs: errorLifetime(errorsBefore, stated) }
      : { value: { delegation, errors: 0 }, lifetimeMs: successLifetime(stated) };
  }
}

const successLifetime = (stated = DEFAULT_LIFETIME) => Math.min(Math.max(stated, MIN_LIFETIME), MAX_LIFETIME);

const errorLifetime = (errorsBefore: number, stated = 0) =>
  Math.min(Math.max(FIRST_ERROR_LIFETIME * 2 ** errorsBefore, stated), MAX_ERROR_LIFETIME);
