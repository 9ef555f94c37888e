import { type ClaimedDelayedEvent, DelayedEventSendingTransactor } from '@atoll/database';
import { RepeatedWork } from '@atoll/service';
import type { Logger } from '@atoll/telemetry';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { LOGGER } from '../platform/tokens.js';
import { CLAIM_MS, RENEW_EVERY_MS } from './retry-policy.js';

/**
 * Keeps claims from running out while their events are being sent, which takes minutes where other servers must help: else every
 * instance would wait for the same ones.
 */
@Injectable()
export class HeldClaims implements OnModuleInit, OnModuleDestroy {
  private readonly held = new Set<ClaimedDelayedEvent>();
  private readonly renewals: RepeatedWork;

  constructor(
    @Inject(LOGGER) logger: Logger,
    private readonly sending: DelayedEventSendingTransactor,
  ) {
    const failure = 'Claims on delayed events were not renewed';
    this.renewals = new RepeatedWork({
      everyMs: RENEW_EVERY_MS,
      work: () => this.renew(),
      logger,
      failure,
    });
  }

  onModuleInit(): void {
    this.renewals.start();
  }

  onModuleDestroy(): Promise<void> {
    return this.renewals.stop();
  }

  hold(events: readonly ClaimedDelayedEvent[]): void {
    for (const event of events) this.held.add(event);
  }

  /** Before it is written what became of the event: a claim that is to end must not be renewed. */
  drop(...events: readonly ClaimedDelayedEvent[]): void {
    for (const event of events) this.held.delete(event);
  }

  private async renew(): Promise<void> {
    if (this.held.size > 0) await this.sending.renew([...this.held], CLAIM_MS);
  }
}
