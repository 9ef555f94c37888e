import type { Config } from '@atoll/config';
import type { RedisConnection } from '@atoll/redis-streams';
import { type Rate, RateLimiter as SharedRateLimiter } from '@atoll/service';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, REDIS } from '../platform/tokens.js';

const rates = {
  'login-address': { burst: 20, everyMs: 3_000 },
  'login-account': { burst: 10, everyMs: 10_000 },
  'password-account': { burst: 10, everyMs: 10_000 },
  'register-address': { burst: 10, everyMs: 10_000 },
  'challenge-address': { burst: 60, everyMs: 1_000 },
  'registration-token-address': { burst: 10, everyMs: 10_000 },
  'username-address': { burst: 30, everyMs: 1_000 },
  // Each device once in the life of a token, and many may be behind one address.
  'refresh-address': { burst: 120, everyMs: 200 },
  // Which ways there are to log in.
  'flows-address': { burst: 120, everyMs: 200 },
  'report-account': { burst: 10, everyMs: 60_000 },
  'delayed-event-schedule-account': { burst: 50, everyMs: 500 },
  'delayed-event-manage-account': { burst: 60, everyMs: 250 },
  'delayed-event-read-account': { burst: 60, everyMs: 500 },
  // As many as may wait by default: they may all be due at once.
  'delayed-event-send-account': { burst: 100, everyMs: 500 },
  'admin-register-address': { burst: 60, everyMs: 1_000 },
  // What people do, much faster than they can, and what moderators do in a raid.
  message: { burst: 60, everyMs: 200 },
  ephemeral: { burst: 60, everyMs: 200 },
  // A new key for a large room is many requests at once.
  'to-device': { burst: 300, everyMs: 50 },
  // Servers that messages to devices make known; those in a room with the sender do not count.
  'new-server': { burst: 50, everyMs: 30_000 },
  moderation: { burst: 100, everyMs: 500 },
  join: { burst: 30, everyMs: 3_000 },
  invite: { burst: 30, everyMs: 3_000 },
  // Who tidies up does it room by room, and forgets each that was left.
  leave: { burst: 100, everyMs: 1_000 },
  'create-room': { burst: 15, everyMs: 20_000 },
  // A large room's members in parts, and keys for new sessions with them.
  keys: { burst: 100, everyMs: 100 },
  profile: { burst: 20, everyMs: 3_000 },
  // Clients show many people at once; of those of other servers their servers are asked.
  'profile-read': { burst: 120, everyMs: 250 },
  // What a client asks about itself: who it is, and what it may do.
  'own-account': { burst: 60, everyMs: 1_000 },
  // Each is written down.
  'openid-token': { burst: 20, everyMs: 3_000 },
  // New devices fetch keys one by one as they show messages.
  'key-backup': { burst: 300, everyMs: 50 },
  // One for each login by QR code, and both of its devices ask once a second.
  'rendezvous-create': { burst: 10, everyMs: 10_000 },
  'rendezvous-address': { burst: 120, everyMs: 100 },
  'account-data': { burst: 100, everyMs: 200 },
  // Each is written down, with all that the client knows; when it only hears news, nothing is.
  'sliding-memory': { burst: 200, everyMs: 100 },
  // What other servers may have to be asked for, or many rows be looked through.
  lookup: { burst: 60, everyMs: 500 },
  search: { burst: 20, everyMs: 1_000 },
} as const satisfies Record<string, Rate>;

export type RateLimit = keyof typeof rates;

/** How often clients may do something, or what could be guessed or used up. */
@Injectable()
export class RateLimiter extends SharedRateLimiter<RateLimit> {
  constructor(@Inject(CONFIG) config: Config, @Inject(REDIS) redis: RedisConnection) {
    super(config, redis, rates);
  }
}
