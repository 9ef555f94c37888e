import type { Config } from '@atoll/config';
import { ServerNoticeDeliveryTransactor } from '@atoll/database';
import { RepeatedWork } from '@atoll/service';
import type { Logger } from '@atoll/telemetry';
import { Inject, Injectable, type OnApplicationBootstrap, type OnModuleDestroy } from '@nestjs/common';
import { CONFIG, LOGGER } from '../platform/tokens.js';
import { ServerNoticeDelivery } from './server-notice-delivery.js';

const LOOK_EVERY_MS = 1_000;
/** A notice to everybody must not hold up what users do. */
const AT_ONCE = 8;
/** Longer than the commands of one delivery can take: nobody else tries meanwhile. */
const CLAIM_MS = 5 * 60_000;

/** Delivers what operators have to tell users. Every instance looks; what one has claimed the others leave alone. */
@Injectable()
export class ServerNoticeSweep implements OnApplicationBootstrap, OnModuleDestroy {
  private readonly looks: RepeatedWork;
  private isStopped = false;

  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(LOGGER) logger: Logger,
    private readonly deliveries: ServerNoticeDeliveryTransactor,
    private readonly delivery: ServerNoticeDelivery,
  ) {
    const failure = 'Cannot look for server notices';
    this.looks = new RepeatedWork({ everyMs: LOOK_EVERY_MS, work: () => this.look(), logger, failure });
  }

  onApplicationBootstrap(): void {
    if (this.config.serverNotices !== undefined) this.looks.start();
  }

  async onModuleDestroy(): Promise<void> {
    this.isStopped = true;
    await this.looks.stop();
  }

  private async look(): Promise<void> {
    const { serverNotices } = this.config;
    while (serverNotices !== undefined && !this.isStopped) {
      const claimed = await this.deliveries.claimDue(AT_ONCE, CLAIM_MS);
      await Promise.all(claimed.map((notice) => this.delivery.deliver(notice, serverNotices)));
      if (claimed.length < AT_ONCE) return;
    }
  }
}
