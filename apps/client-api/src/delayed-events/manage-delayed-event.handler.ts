import {
  type Database,
  DelayedEventReader,
  DelayedEventSendingTransactor,
  DelayedEventTransactor,
  type Finalised,
} from '@atoll/database';
import { MatrixError, notFound, overloaded, type UserId } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { RateLimiter } from '../auth/rate-limiter.js';
import { DATABASE } from '../platform/tokens.js';
import { DelayedEventSender } from './delayed-event-sender.js';
import { HeldClaims } from './held-claims.js';
import { CLAIM_MS, waitBeforeTry } from './retry-policy.js';
import { SendingWaits, WAIT_MS } from './sending-waits.js';

export const DELAYED_EVENT_ACTIONS = ['send', 'cancel', 'restart'] as const;
export type DelayedEventAction = (typeof DELAYED_EVENT_ACTIONS)[number];

/** What users do with their delayed events before these are sent. */
@Injectable()
export class ManageDelayedEventHandler {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly events: DelayedEventReader,
    private readonly sending: DelayedEventSendingTransactor,
    private readonly sender: DelayedEventSender,
    private readonly limiter: RateLimiter,
    private readonly claims: HeldClaims,
    private readonly waits: SendingWaits,
  ) {}

  /**
   * 1. The action, while the event waits.
   * 2. Else it is finalised: as the action would have it, or in conflict with it.
   * 3. Or it is being sent: how that ends decides.
   * @throws MatrixError 404; 409 for a conflict; of `send`, why it could not be sent, and it goes on waiting; 429 when too
   * many requests of the user wait; 503 when it is still
   * not known in time whether the event was sent
   */
  async handle(userId: UserId, delayId: string, action: DelayedEventAction): Promise<void> {
    await this.limiter.take('delayed-event-manage-account', userId);
    const until = performance.now() + WAIT_MS;
    while (!(await this.act(userId, delayId, action))) {
      const event = await this.events.byId(userId, delayId);
      if (event === undefined) throw notFound('You have no such delayed event');
      if (event.finalised) {
        assertAgrees(action, event.finalised);
        return;
      }
      if (performance.now() >= until) throw overloaded(1_000);
      await this.waits.untilSettled(userId, delayId, until);
    }
  }

  private act(userId: UserId, delayId: string, action: DelayedEventAction): Promise<boolean> {
    const delayed = new DelayedEventTransactor(this.database.db);
    if (action === 'restart') return delayed.restart(userId, delayId);
    if (action === 'cancel') return delayed.cancel(userId, delayId);
    return this.sendNow(userId, delayId);
  }

  private async sendNow(userId: UserId, delayId: string): Promise<boolean> {
    const event = await this.sending.claimOne(userId, delayId, CLAIM_MS);
    if (event === undefined) return false;
    this.claims.hold([event]);
    const result = await this.sender.send(event).finally(() => {
      this.claims.drop(event);
    });
    if (result.outcome === 'sent') {
      await this.sending.sent(event, result.eventId);
      return true;
    }
    if (result.outcome === 'refused') await this.sending.release(event);
    else await this.sending.tryAgainAfter(event, waitBeforeTry(event.attempt));
    throw result.error;
  }
}

function assertAgrees(action: DelayedEventAction, { eventId }: Finalised): void {
  if (action === (eventId === undefined ? 'cancel' : 'send')) return;
  const became = eventId === undefined ? 'cancelled' : 'sent';
  throw new MatrixError(409, 'M_UNKNOWN', `The delayed event was ${became} already`);
}
