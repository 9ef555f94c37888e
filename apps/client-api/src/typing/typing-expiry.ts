import { TypingChanged } from '@atoll/contract';
import { commitInLanes, type Database, TypingReader, TypingTransactor } from '@atoll/database';
import { Announcer } from '@atoll/redis-streams';
import { RepeatedWork } from '@atoll/service';
import type { Logger } from '@atoll/telemetry';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DATABASE, LOGGER } from '../platform/tokens.js';

const LOOK_MS = 1_000;
const ROOMS_AT_ONCE = 500;

/** Ends the typing of those who did not say that they stopped. Every instance looks; a room is ended once. */
@Injectable()
export class TypingExpiry implements OnModuleInit, OnModuleDestroy {
  private readonly looks: RepeatedWork;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(LOGGER) logger: Logger,
    private readonly typing: TypingReader,
    private readonly announcer: Announcer,
  ) {
    const failure = 'Cannot end what is no longer typed';
    this.looks = new RepeatedWork({ everyMs: LOOK_MS, work: () => this.look(), logger, failure });
  }

  onModuleInit(): void {
    this.looks.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.looks.stop();
  }

  private async look(): Promise<void> {
    const now = Date.now();
    if (await this.typing.isExpiring(now)) await this.expire(now);
  }

  private async expire(now: number): Promise<void> {
    const taken = await commitInLanes(this.database.db, (trx, closing) =>
      new TypingTransactor(trx, closing).expire(now, ROOMS_AT_ONCE),
    );
    if (taken) this.announcer.publish(TypingChanged, { position: taken.at(0) });
  }
}
