import type { Config } from '@atoll/config';
import { MatrixError } from '@atoll/matrix';
import type { RedisConnection } from '@atoll/redis-streams';
import { counter } from '@atoll/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, REDIS } from '../platform/tokens.js';

/** How often something may be tried: `burst` times at once, then once every `everyMs`. */
interface Rate {
  readonly burst: number;
  readonly everyMs: number;
}

const rates = {
  'login-address': { burst: 20, everyMs: 3_000 },
  'login-account': { burst: 10, everyMs: 10_000 },
  'password-account': { burst: 10, everyMs: 10_000 },
  'register-address': { burst: 10, everyMs: 10_000 },
  'challenge-address': { burst: 60, everyMs: 1_000 },
  'registration-token-address': { burst: 10, everyMs: 10_000 },
  'username-address': { burst: 30, everyMs: 1_000 },
  'admin-register-address': { burst: 60, everyMs: 1_000 },
} as const satisfies Record<string, Rate>;

export type RateLimit = keyof typeof rates;

/**
 * GCRA: the key holds the time (ms) at which the caller would have used up nothing. Answers how long to wait, 0 when
 * the try is allowed. One key, so it works on a cluster; Redis' own clock, so all instances agree.
 */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local burst, every = tonumber(ARGV[1]), tonumber(ARGV[2])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + every
local wait = full - now - burst * every
if wait > 0 then return wait end
redis.call('SET', KEYS[1], full, 'PX', full - now)
return 0`;

const limited = counter('atoll_rate_limited_total', 'Requests refused because they came too often');
const unchecked = counter(
  'atoll_rate_limit_unchecked_total',
  'Requests let through because Redis did not answer',
);

/** Bounds how often things are tried, over all instances. Without Redis everything is let through, and counted. */
@Injectable()
export class RateLimiter {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(REDIS) private readonly redis: RedisConnection,
  ) {}

  /**
   * Takes one try of `subject` (an address, a user id).
   * @throws MatrixError 429 M_LIMIT_EXCEEDED with `retry_after_ms`
   * @see https://spec.matrix.org/v1.19/client-server-api/#rate-limiting
   */
  async take(limit: RateLimit, subject: string): Promise<void> {
    if (!this.config.rateLimits) return;
    const { burst, everyMs } = rates[limit];
    const waitMs = await this.waitOf(`atoll:rate:${limit}:${subject}`, burst, everyMs);
    if (waitMs <= 0) return;
    limited.add(1, { limit });
    throw new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many requests', { retry_after_ms: waitMs });
  }

  private async waitOf(key: string, burst: number, everyMs: number): Promise<number> {
    try {
      return Number(await this.redis.eval(TAKE, 1, key, burst, everyMs));
    } catch {
      unchecked.add(1);
      return 0;
    }
  }
}
