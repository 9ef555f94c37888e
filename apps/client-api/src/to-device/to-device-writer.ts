import { ToDeviceChanged } from '@atoll/contract';
import {
  commitInLanes,
  type Database,
  KnownWaiting,
  type ToDeviceOutcome,
  type ToDeviceRequest,
  ToDeviceTransactor,
} from '@atoll/database';
import { Announcer } from '@atoll/redis-streams';
import { AbandonedMessages } from '@atoll/service';
import type { Logger } from '@atoll/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { DATABASE, LOGGER } from '../platform/tokens.js';

/** Requests of one commit; each is bounded by the size of its body. */
const MAX_BATCH = 20;

interface Waiting {
  readonly request: ToDeviceRequest;
  readonly done: PromiseWithResolvers<ToDeviceOutcome>;
}

/**
 * Writes messages to devices. While one commit is under way the following requests gather, and share the next: a client that gives a new
 * key to everybody in a room makes many.
 */
@Injectable()
export class ToDeviceWriter {
  private readonly waiting: Waiting[] = [];
  private isWriting = false;
  private readonly known = new KnownWaiting();
  private readonly abandoned: AbandonedMessages;

  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(LOGGER) logger: Logger,
    private readonly announcer: Announcer,
  ) {
    this.abandoned = new AbandonedMessages(logger);
  }

  /** Resolves when it is durable, or refused. */
  write(request: ToDeviceRequest): Promise<ToDeviceOutcome> {
    const done = Promise.withResolvers<ToDeviceOutcome>();
    this.waiting.push({ request, done });
    if (!this.isWriting) void this.writeOn();
    return done.promise;
  }

  private async writeOn(): Promise<void> {
    this.isWriting = true;
    while (this.waiting.length > 0) await this.commit(this.waiting.splice(0, MAX_BATCH));
    this.isWriting = false;
  }

  /** Never fails. */
  private async commit(batch: readonly Waiting[]): Promise<void> {
    try {
      const { outcomes, positions } = await commitInLanes(this.database.db, (trx, closing) =>
        new ToDeviceTransactor(trx, closing, this.known).send(batch.map(({ request }) => request)),
      );
      if (positions) this.announcer.publish(ToDeviceChanged, { position: positions.at(positions.count - 1) });
      this.abandoned.note(outcomes);
      batch.forEach(({ done }, index) => {
        done.resolve(outcomes[index] as ToDeviceOutcome);
      });
    } catch (error) {
      for (const { done } of batch) done.reject(error);
    }
  }
}
