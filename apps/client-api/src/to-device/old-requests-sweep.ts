import { type Database, ToDeviceRequestsTransactor } from '@atoll/database';
import { RepeatedWork } from '@atoll/service';
import type { Logger } from '@atoll/telemetry';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { DATABASE, LOGGER } from '../platform/tokens.js';

const EVERY_MS = 60_000;
/** Clients that were away, and servers that retry, repeat a request within days. */
const KEEP_MS = 7 * 24 * 3_600_000;
const AT_ONCE = 10_000;

/** Forgets which messages to devices were taken in long ago. Every instance may: they delete different rows. */
@Injectable()
export class OldRequestsSweep implements OnModuleInit, OnModuleDestroy {
  private readonly requests: ToDeviceRequestsTransactor;
  private readonly sweeps: RepeatedWork;
  private isStopping = false;

  constructor(@Inject(LOGGER) logger: Logger, @Inject(DATABASE) database: Database) {
    this.requests = new ToDeviceRequestsTransactor(database);
    const failure = 'Old requests to send to devices were not deleted';
    this.sweeps = new RepeatedWork({ everyMs: EVERY_MS, work: () => this.sweep(), logger, failure });
  }

  onModuleInit(): void {
    this.sweeps.start();
  }

  onModuleDestroy(): Promise<void> {
    this.isStopping = true;
    return this.sweeps.stop();
  }

  /** Goes on until none is left, or the process stops. */
  async sweep(): Promise<void> {
    let deleted: number;
    do deleted = await this.requests.deleteOlderThan(KEEP_MS, AT_ONCE);
    while (deleted === AT_ONCE && !this.isStopping);
  }
}
