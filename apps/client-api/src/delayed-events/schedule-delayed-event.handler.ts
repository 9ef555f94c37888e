import type { Config } from '@atoll/config';
import {
  AccountTransactor,
  type Database,
  DelayedEventTransactor,
  type EventToSend,
  transactionKey,
} from '@atoll/database';
import { forbidden, MatrixError } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { randomBytes } from 'node:crypto';
import { RateLimiter } from '../auth/rate-limiter.js';
import { CONFIG, DATABASE } from '../platform/tokens.js';
import { assertFitsEvent } from '../rooms/commands/room-commands.js';
import type { Transaction } from '../rooms/commands/transaction.js';

/** Of what became of a user's delayed events, as the proposal recommends. */
const FINALISED_KEPT = 1_000;
const ID_BYTES = 18;

export interface EventToDelay extends EventToSend {
  readonly delayMs: number;
}

/** Takes an event to be sent later. Whether it may be sent is seen then. */
@Injectable()
export class ScheduleDelayedEventHandler {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    @Inject(DATABASE) private readonly database: Database,
    private readonly limiter: RateLimiter,
  ) {}

  /**
   * 1. What can never be sent, or asks for too much.
   * 2. One request of a user at a time, as they are counted.
   * 3. Repeated: the first answer again.
   * 4. As many as may wait for the user: not one more.
   * @returns the delay id
   * @throws MatrixError 403 for too long a delay, and where there are no delayed events; 413; 429 until the next one is sent
   */
  async handle(event: EventToDelay, transaction?: Transaction): Promise<string> {
    const { maxDelayedEvents, maxEventDelayMs } = this.config;
    const { userId } = event;
    if (maxDelayedEvents === 0) throw forbidden('This server delays no events');
    if (event.delayMs > maxEventDelayMs) throw forbidden(`The longest delay is ${maxEventDelayMs} ms`);
    assertFitsEvent(event.content);
    await this.limiter.take('delayed-event-schedule-account', userId);
    return this.database.db.transaction().execute(async (trx) => {
      if (!(await new AccountTransactor(trx).lock(userId))) throw forbidden('This account is deactivated');
      const delayed = new DelayedEventTransactor(trx);
      const key = transaction && transactionKey({ userId, ...transaction });
      const earlier = key && (await delayed.madeBy(key));
      if (earlier !== undefined) return earlier;
      const { count, nextInMs } = await delayed.waiting(userId);
      if (count >= maxDelayedEvents) throw tooManyWait(nextInMs ?? 0);
      const delayId = randomBytes(ID_BYTES).toString('base64url');
      await delayed.add(delayId, event, key);
      await delayed.forgetAllBut(FINALISED_KEPT, userId);
      return delayId;
    });
  }
}

function tooManyWait(nextInMs: number): MatrixError {
  return new MatrixError(429, 'M_LIMIT_EXCEEDED', 'The maximum number of delayed events has been reached', {
    retry_after_ms: Math.max(nextInMs, 1),
  });
}
