import type { ClaimedDelayedEvent } from '@atoll/database';
import { type EventId, MatrixError } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { RateLimiter } from '../auth/rate-limiter.js';
import { delayedTransaction } from '../events/delayed-transaction.js';
import { RoomCommands } from '../rooms/commands/room-commands.js';
import { membershipLimitOf } from '../rooms/set-room-state/membership-limit.js';
import { SetRoomStateHandler } from '../rooms/set-room-state/set-room-state.handler.js';

/** How a try ended: `unknown` when the event may be in its room, or may yet come there. */
export type SendOutcome =
  | { readonly outcome: 'sent'; readonly eventId: EventId }
  | { readonly outcome: 'refused'; readonly error: MatrixError }
  | { readonly outcome: 'unknown'; readonly error: unknown };

/** Sends a delayed event as if its user had sent it now. Every try is the same transaction, so that it is sent once. */
@Injectable()
export class DelayedEventSender {
  constructor(
    private readonly limiter: RateLimiter,
    private readonly commands: RoomCommands,
    private readonly states: SetRoomStateHandler,
  ) {}

  async send(event: ClaimedDelayedEvent): Promise<SendOutcome> {
    try {
      // What may have been sent already is no more load, and must not be called refused.
      if (!event.isRepeated) await this.take(event);
      return { outcome: 'sent', eventId: await this.sendNow(event) };
    } catch (error) {
      return error instanceof MatrixError && !isPassing(error)
        ? { outcome: 'refused', error }
        : { outcome: 'unknown', error };
    }
  }

  private async take({ userId, type, stateKey, content }: ClaimedDelayedEvent): Promise<void> {
    await this.limiter.take('delayed-event-send-account', userId);
    const limit = stateKey === undefined ? undefined : membershipLimitOf(type, content);
    if (limit !== undefined) await this.limiter.take(limit, userId);
  }

  private sendNow({
    delayId,
    userId,
    roomId,
    type,
    stateKey,
    content,
  }: ClaimedDelayedEvent): Promise<EventId> {
    const transaction = delayedTransaction(delayId);
    return stateKey === undefined
      ? this.commands.sendEvent({ roomId, sender: userId, type, content, transaction })
      : this.states.handle(userId, roomId, { type, stateKey, content }, transaction);
  }
}

/** Failures of this server, not of the request. */
function isPassing({ status }: MatrixError): boolean {
  return status === 500 || status === 503;
}
