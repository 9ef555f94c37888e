import type { Config } from '@atoll/config';
import type { UserId } from '@atoll/matrix';
import { type Logger, logError } from '@atoll/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG, LOGGER } from '../platform/tokens.js';
import { setByActivity } from './presence-changes.js';
import { PresenceWriter } from './presence-writer.js';
import { RecentPresence } from './recent-presence.js';

/** Where features tell that a user did something. */
@Injectable()
export class PresenceActivity {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly recent: RecentPresence,
    private readonly writer: PresenceWriter,
  ) {}

  /**
   * Notes a pro-active event of the user, at most once a minute. Nobody waits for it.
   * @see https://spec.matrix.org/v1.19/client-server-api/#last-active-ago
   */
  bump(userId: UserId): void {
    if (!this.config.presence || !this.recent.takeActivity(userId)) return;
    this.writer.change([userId], setByActivity(Date.now())).catch((error: unknown) => {
      logError(this.logger, error, "A user's activity was not noted");
    });
  }
}
