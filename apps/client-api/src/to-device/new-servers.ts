import { type Database, NewServersReader } from '@atoll/database';
import { tooLarge, type UserId } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { RateLimiter } from '../auth/rate-limiter.js';
import { DATABASE } from '../platform/tokens.js';

/** In one request. */
const MAX_NEW = 20;

/**
 * Bounds how many servers users make known to this one: it keeps a message for each, and tries again and again to send it, though there may
 * be no such server.
 */
@Injectable()
export class NewServers {
  private readonly reader: NewServersReader;

  constructor(
    @Inject(DATABASE) database: Database,
    private readonly limiter: RateLimiter,
  ) {
    this.reader = new NewServersReader(database);
  }

  /**
   * Servers of users with whom the sender shares a room are free: in a large room that was just joined all of them may be new.
   * @param users of other servers
   * @throws MatrixError 413, 429
   */
  async admit(sender: UserId, users: readonly UserId[]): Promise<void> {
    if (users.length === 0) return;
    const servers = await this.reader.named(sender, users);
    if (servers.size > MAX_NEW) {
      throw tooLarge(`More than ${MAX_NEW} servers that are unknown here and in no room with you`);
    }
    if (servers.size > 0) await this.limiter.take('new-server', sender, servers.size);
  }
}
