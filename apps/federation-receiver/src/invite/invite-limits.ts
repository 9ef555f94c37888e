import type { Config } from '@atoll/config';
import { isUserId, type JsonValue, type ServerName, serverNameOf } from '@atoll/matrix';
import type { RedisConnection } from '@atoll/redis-streams';
import { type Rate, RateLimiter } from '@atoll/service';

const rates = {
  'invite-server': { burst: 100, everyMs: 1_000 },
  'invite-server-user': { burst: 10, everyMs: 60_000 },
  'invite-user': { burst: 30, everyMs: 10_000 },
} as const satisfies Record<string, Rate>;

/** How often other servers may invite, and one user be invited. */
export class InviteLimits {
  private readonly limiter: RateLimiter<keyof typeof rates>;

  constructor(
    private readonly config: Config,
    redis: RedisConnection,
  ) {
    this.limiter = new RateLimiter(config, redis, rates);
  }

  /**
   * A server gets a share of what one user is invited, so that it alone cannot keep the invites of all others away. Users who are
   * not of this server, whom nobody may invite here, are not counted.
   * @param invited as the event says it
   * @throws MatrixError 429 M_LIMIT_EXCEEDED with `retry_after_ms`
   */
  async take(origin: ServerName, invited: JsonValue | undefined): Promise<void> {
    await this.limiter.take('invite-server', origin);
    if (!isUserId(invited) || serverNameOf(invited) !== this.config.serverName) return;
    await this.limiter.take('invite-server-user', `${origin}:${invited}`);
    await this.limiter.take('invite-user', invited);
  }
}
