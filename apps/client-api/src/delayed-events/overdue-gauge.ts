import { DelayedEventReader } from '@atoll/database';
import { observableGauge } from '@atoll/telemetry';
import { Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { CLAIM_MS, LONGEST_WAIT_MS } from './retry-policy.js';

/** Tells how late delayed events are. Every instance tells the same: it is asked of PostgreSQL. */
@Injectable()
export class OverdueGauge implements OnModuleInit, OnModuleDestroy {
  private stop: (() => void) | undefined;

  constructor(private readonly events: DelayedEventReader) {}

  onModuleInit(): void {
    const description = 'How long the delayed event that is overdue most has been due';
    this.stop = observableGauge('atoll_delayed_events_overdue_seconds', description, async (result) => {
      result.observe((await this.events.overdueMs(Math.max(CLAIM_MS, LONGEST_WAIT_MS))) / 1000);
    });
  }

  onModuleDestroy(): void {
    this.stop?.();
  }
}
