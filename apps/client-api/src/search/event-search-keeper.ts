import { EventIndex, IndexProgressReader } from '@atoll/database';
import type { Logger } from '@atoll/telemetry';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { IndexKeeper } from '../indexing/index-keeper.js';
import { LOGGER } from '../platform/tokens.js';

/** Keeps the documents that are searched. */
@Injectable()
export class EventSearchKeeper extends IndexKeeper implements OnModuleInit, OnModuleDestroy {
  constructor(index: EventIndex, progress: IndexProgressReader, @Inject(LOGGER) logger: Logger) {
    super({ index, progress, logger, lagMetric: 'atoll_search_lag_events' });
  }

  onModuleInit(): void {
    this.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.stop();
  }
}
