import { IndexProgressReader, UserDirectoryIndex } from '@atoll/database';
import type { Logger } from '@atoll/telemetry';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { IndexKeeper } from '../indexing/index-keeper.js';
import { LOGGER } from '../platform/tokens.js';

/** Keeps the directory of users. */
@Injectable()
export class UserDirectoryKeeper extends IndexKeeper implements OnModuleInit, OnModuleDestroy {
  constructor(index: UserDirectoryIndex, progress: IndexProgressReader, @Inject(LOGGER) logger: Logger) {
    super({ index, progress, logger, lagMetric: 'atoll_user_directory_lag_events' });
  }

  onModuleInit(): void {
    this.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.stop();
  }
}
