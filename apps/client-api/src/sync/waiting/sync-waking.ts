import type { Config } from '@atoll/config';
import type { Database } from '@atoll/database';
import { Draining } from '@atoll/http';
import type { RedisConnection } from '@atoll/redis-streams';
import { type Logger, observableGauge } from '@atoll/telemetry';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { CONFIG, DATABASE, LOGGER, REDIS } from '../../platform/tokens.js';
import { RecentPresence } from '../../presence/recent-presence.js';
import { StreamFollower } from './stream-follower.js';
import { WaitingSyncs } from './waiting-syncs.js';

/** Wakes waiting syncs for as long as this process serves: by the streams, and all of them when it drains. */
@Injectable()
export class SyncWaking implements OnModuleInit, OnModuleDestroy {
  private readonly follower: StreamFollower;
  private stopGauge: (() => void) | undefined;

  constructor(
    @Inject(CONFIG) config: Config,
    @Inject(DATABASE) database: Database,
    @Inject(REDIS) redis: RedisConnection,
    @Inject(LOGGER) logger: Logger,
    private readonly draining: Draining,
    private readonly waiting: WaitingSyncs,
    recentPresence: RecentPresence,
  ) {
    this.follower = new StreamFollower({
      database,
      redis,
      logger,
      name: `client-api-${config.instanceId}-sync`,
      onChanges: (stream, changes) => {
        waiting.tell(stream, changes);
        if (stream === 'presence') {
          for (const { userId } of changes) if (userId !== null) recentPresence.forget(userId);
        }
      },
    });
  }

  async onModuleInit(): Promise<void> {
    this.waiting.open(await this.follower.start());
    this.draining.signal.addEventListener(
      'abort',
      () => {
        this.waiting.endAll();
      },
      { once: true },
    );
    this.stopGauge = observableGauge('atoll_sync_waiting', 'Syncs that wait for news', (result) => {
      result.observe(this.waiting.size);
    });
  }

  async onModuleDestroy(): Promise<void> {
    this.stopGauge?.();
    this.waiting.endAll();
    await this.follower.stop();
  }
}
