import { DelayedEventSendingTransactor } from '@atoll/database';
import { RepeatedWork } from '@atoll/service';
import type { Logger } from '@atoll/telemetry';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { LOGGER } from '../platform/tokens.js';

const EVERY_MS = 60_000;
/** As the proposal recommends. */
const KEEP_MS = 7 * 24 * 3_600_000;
const AT_ONCE = 1_000;

/** Forgets what became of delayed events long ago. Every instance may: they delete the same rows. */
@Injectable()
export class OldDelayedEventsSweep implements OnModuleInit, OnModuleDestroy {
  private readonly sweeps: RepeatedWork;

  constructor(@Inject(LOGGER) logger: Logger, sending: DelayedEventSendingTransactor) {
    const work = () => sending.deleteFinalisedBefore(KEEP_MS, AT_ONCE);
    const failure = 'Old delayed events were not deleted';
    this.sweeps = new RepeatedWork({ everyMs: EVERY_MS, work, logger, failure });
  }

  onModuleInit(): void {
    this.sweeps.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.sweeps.stop();
  }
}
