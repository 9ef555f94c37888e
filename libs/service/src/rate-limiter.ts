import type { Config } from '@atoll/config';
import { MatrixError } from '@atoll/matrix';
import type { RedisConnection } from '@atoll/redis-streams';
import { counter } from '@atoll/telemetry';

/** How often something may be tried: `burst` times at once, then once every `everyMs`. */
export interface Rate {
  readonly burst: number;
  readonly everyMs: number;
}

/**
 * GCRA: the key holds the time (ms) at which the caller would have used up nothing. Answers how long to wait, 0 when
 * the try is allowed. One key, so it works on a cluster; Redis' own clock, so all instances agree.
 */
const TAKE = `
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local burst, every, count = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local full = math.max(tonumber(redis.call('GET', KEYS[1]) or now), now) + every * count
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
export class RateLimiter<Limit extends string> {
  /** @param rates by a name that no other service uses for something else */
  constructor(
    private readonly config: Pick<Config, 'rateLimits'>,
    private readonly redis: RedisConnection,
    private readonly rates: Readonly<Record<Limit, Rate>>,
  ) {}

  /**
   * Takes tries of `subject` (an address, a user id, a server): all or none, and at most as many as a burst has.
   * @throws MatrixError 429 M_LIMIT_EXCEEDED with `retry_after_ms`
   * @see https://spec.matrix.org/v1.19/client-server-api/#rate-limiting
   */
  async take(limit: Limit, subject: string, count = 1): Promise<void> {
    if (!this.config.rateLimits) return;
    const waitMs = await this.waitOf(`atoll:rate:${limit}:${subject}`, this.rates[limit], count);
    if (waitMs <= 0) return;
    limited.add(1, { limit });
    throw new MatrixError(429, 'M_LIMIT_EXCEEDED', 'Too many requests', { retry_after_ms: waitMs });
  }

  private async waitOf(key: string, { burst, everyMs }: Rate, count: number): Promise<number> {
    try {
      return Number(await this.redis.eval(TAKE, 1, key, burst, everyMs, count));
    } catch {
      unchecked.add(1);
      return 0;
    }
  }
}
