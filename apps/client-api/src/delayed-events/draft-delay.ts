import type { Config } from '@atoll/config';
import { MatrixError } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { z } from 'zod';
import { CONFIG } from '../platform/tokens.js';
import type { Transaction } from '../rooms/commands/transaction.js';
import { type EventToDelay, ScheduleDelayedEventHandler } from './schedule-delayed-event.handler.js';

/**
 * By which clients that follow a draft of MSC4140 ask `send` and `state` for a delay. Whoever overlooked it would send at once what says
 * that a user has left a call.
 */
export const draftDelaySchema = z
  .object({
    'org.matrix.msc4140.delay': z
      .string()
      .regex(/^\d{1,15}$/, 'must be a positive number of ms')
      .transform(Number)
      .refine((delay) => delay > 0, 'must be a positive number of ms')
      .optional(),
    'org.matrix.msc4140.parent_delay_id': z.never('is no longer supported').optional(),
  })
  .transform((query) => query['org.matrix.msc4140.delay']);

/** Delays for clients that follow a draft of MSC4140: those lower a delay that is too long only if they are told as the draft has it. */
@Injectable()
export class DraftDelay {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly handler: ScheduleDelayedEventHandler,
  ) {}

  /** @throws MatrixError 400 for too long a delay, else as the handler */
  async schedule(event: EventToDelay, transaction?: Transaction): Promise<{ delay_id: string }> {
    const { maxEventDelayMs, maxDelayedEvents } = this.config;
    if (event.delayMs > maxEventDelayMs && maxDelayedEvents > 0) {
      throw new MatrixError(400, 'M_UNKNOWN', `The longest delay is ${maxEventDelayMs} ms`, {
        'org.matrix.msc4140.errcode': 'M_MAX_DELAY_EXCEEDED',
        'org.matrix.msc4140.max_delay': maxEventDelayMs,
      });
    }
    return { delay_id: await this.handler.handle(event, transaction) };
  }
}
