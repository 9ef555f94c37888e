import { type ClaimedDelayedEvent, DelayedEventReader, DelayedEventSendingTransactor } from '@atoll/database';
import { MatrixError } from '@atoll/matrix';
import { RepeatedWork } from '@atoll/service';
import { type Logger, logError } from '@atoll/telemetry';
import { Inject, Injectable, type OnModuleDestroy, type OnModuleInit } from '@nestjs/common';
import { setTimeout as sleep } from 'node:timers/promises';
import { LOGGER } from '../platform/tokens.js';
import { DelayedEventSender } from './delayed-event-sender.js';
import { HeldClaims } from './held-claims.js';
import { CLAIM_MS, isGivenUp, waitBeforeTry } from './retry-policy.js';
import { SendingPool } from './sending-pool.js';

const LOOK_EVERY_MS = 1_000;
/** Claimed at once in a process; nobody has so many events that others wait for them. */
const QUICK = { atOnce: 100, ofUser: 25 };
/** Those that may wait for other servers hold up only each other. */
const SLOW = { atOnce: 20, ofUser: 4 };
const SHUTDOWN_WAITS_MS = 5_000;

/** Sends the events whose time has come. Every instance looks; what one has claimed the others leave alone. */
@Injectable()
export class DelayedEventSweep implements OnModuleInit, OnModuleDestroy {
  private readonly looks: RepeatedWork;
  private readonly queues = new Set<Promise<void>>();
  private readonly pools = [new SendingPool(false, QUICK), new SendingPool(true, SLOW)];
  private isFailing = false;
  private isStopped = false;

  constructor(
    @Inject(LOGGER) private readonly logger: Logger,
    private readonly events: DelayedEventReader,
    private readonly sending: DelayedEventSendingTransactor,
    private readonly sender: DelayedEventSender,
    private readonly claims: HeldClaims,
  ) {
    const failure = 'Cannot look for delayed events';
    this.looks = new RepeatedWork({ everyMs: LOOK_EVERY_MS, work: () => this.look(), logger, failure });
  }

  onModuleInit(): void {
    this.looks.start();
  }

  async onModuleDestroy(): Promise<void> {
    this.isStopped = true;
    await this.looks.stop();
    await Promise.race([Promise.all(this.queues), sleep(SHUTDOWN_WAITS_MS, undefined, { ref: false })]);
  }

  private async look(): Promise<void> {
    if (await this.events.isAnyDue()) for (const pool of this.pools) await this.claim(pool);
    this.isFailing = false;
  }

  /** As many as there is room for: those that take long hold up nobody else's, until there are too many. */
  private async claim(pool: SendingPool): Promise<void> {
    for (let share = pool.share(); share !== undefined && !this.isStopped; share = pool.share()) {
      const claimed = await this.sending.claimDue(share, CLAIM_MS);
      const queues = Map.groupBy(claimed, ({ userId, roomId }) => JSON.stringify([userId, roomId]));
      for (const [first, ...others] of queues.values()) if (first) this.start(pool, [first, ...others]);
      if (claimed.length < share.limit) return;
    }
  }

  private start(pool: SendingPool, queue: readonly [ClaimedDelayedEvent, ...ClaimedDelayedEvent[]]): void {
    const give = pool.take(queue);
    this.claims.hold(queue);
    const run = this.sendInOrder(queue)
      .catch((error: unknown) => {
        // Their claims run out, and they are sent again.
        this.report(error, 'Cannot write what became of delayed events');
      })
      .finally(() => {
        this.claims.drop(...queue);
        give();
        this.queues.delete(run);
      });
    this.queues.add(run);
  }

  /** A user's events in a room, one after the other. Where it is not known what became of one, those after it wait. */
  private async sendInOrder(queue: readonly ClaimedDelayedEvent[]): Promise<void> {
    let mayGoOn = true;
    for (const event of queue) {
      if (mayGoOn && !this.isStopped) mayGoOn = await this.send(event);
      else await this.putBack(event);
    }
  }

  private async putBack(event: ClaimedDelayedEvent): Promise<void> {
    this.claims.drop(event);
    // A repeated one may be in its room: it must not look as if it waited.
    if (event.isRepeated) await this.sending.tryAgainAfter(event, 0);
    else await this.sending.release(event);
  }

  /** False when it is not known whether the event was sent. */
  private async send(event: ClaimedDelayedEvent): Promise<boolean> {
    const result = await this.sender.send(event);
    this.claims.drop(event);
    if (result.outcome === 'sent') {
      await this.sending.sent(event, result.eventId);
      return true;
    }
    if (result.outcome === 'refused' || isGivenUp(event.overdueMs)) {
      const error = result.error instanceof MatrixError ? result.error : UNKNOWN;
      await this.sending.failed(event, error.body());
      return true;
    }
    this.report(result.error, 'Cannot send a delayed event now');
    await this.sending.tryAgainAfter(event, waitBeforeTry(event.attempt));
    return false;
  }

  private report(error: unknown, message: string): void {
    if (!this.isFailing) logError(this.logger, error, message);
    this.isFailing = true;
  }
}

const UNKNOWN = new MatrixError(500, 'M_UNKNOWN', 'Internal server error');
