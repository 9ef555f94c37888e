import { PresenceChanged } from '@atoll/contract';
import { commitInLanes, type Database, type PresenceChange, PresenceTransactor } from '@atoll/database';
import type { UserId } from '@atoll/matrix';
import { Announcer } from '@atoll/redis-streams';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE } from '../platform/tokens.js';

/** Commits what becomes of users' presence, and tells those who wait for it. */
@Injectable()
export class PresenceWriter {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly announcer: Announcer,
  ) {}

  /** @param users all of this server, or all of others */
  async change(
    users: readonly UserId[],
    change: PresenceChange,
    { isLocal } = { isLocal: true },
  ): Promise<void> {
    const taken = await commitInLanes(this.database.db, (trx, closing) =>
      new PresenceTransactor(trx, closing).change(users, isLocal, change),
    );
    if (taken !== undefined) this.announcer.publish(PresenceChanged, { position: taken.at(0) });
  }
}
