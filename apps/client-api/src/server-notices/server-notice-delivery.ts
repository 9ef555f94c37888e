import { createHash } from 'node:crypto';
import type { ServerNoticesConfig } from '@atoll/config';
import { type ClaimedNotice, ServerNoticeDeliveryTransactor } from '@atoll/database';
import { MatrixError } from '@atoll/matrix';
import { type Logger, logError } from '@atoll/telemetry';
import { Inject, Injectable } from '@nestjs/common';
import { LOGGER } from '../platform/tokens.js';
import { RoomCommands } from '../rooms/commands/room-commands.js';
import { NoticesRooms } from './notices-rooms.js';

const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 15 * 60_000;
/** What is refused so often will not be accepted any more. */
const MAX_REFUSALS = 10;

/** Brings one notice to one user. */
@Injectable()
export class ServerNoticeDelivery {
  constructor(
    private readonly rooms: NoticesRooms,
    private readonly commands: RoomCommands,
    private readonly deliveries: ServerNoticeDeliveryTransactor,
    @Inject(LOGGER) private readonly logger: Logger,
  ) {}

  /**
   * 1. The user's room.
   * 2. The message: an ordinary text, which every client shows. The type of messages that the specification has for notices is for
   *    those that clients are to understand, such as a limit that is reached.
   * 3. What became of it. Tried again until it is in the room, unless it is refused again and again; every try is one transaction.
   */
  async deliver(notice: ClaimedNotice, notices: ServerNoticesConfig): Promise<void> {
    try {
      const roomId = await this.rooms.of(notice.userId, notices);
      await this.commands.sendEvent({
        roomId,
        sender: notices.userId,
        type: 'm.room.message',
        content: { msgtype: 'm.text', body: notice.body },
        transaction: transactionOf(notice),
      });
      await this.deliveries.delivered(notice);
    } catch (error) {
      const refusals = notice.refusals + (isRefusal(error) ? 1 : 0);
      const isGivenUp = refusals >= MAX_REFUSALS;
      // A notice that waits for an outage to end is not worth a line for each try.
      if (isGivenUp || notice.attempt === 1)
        logError(this.logger, error, `A server notice is ${isGivenUp ? 'given up' : 'tried again'}`);
      if (isGivenUp) await this.deliveries.giveUp(notice);
      else await this.deliveries.tryAgainAfter(notice, waitBeforeTry(notice.attempt), refusals);
    }
  }
}

/** The same for every try, and in whichever room. */
function transactionOf({ noticeId, userId }: ClaimedNotice) {
  const id = createHash('sha256')
    .update(JSON.stringify([noticeId, userId]))
    .digest('base64url');
  return { deviceId: 'server notice', scope: 'server_notices', id };
}

function isRefusal(error: unknown): boolean {
  return error instanceof MatrixError && error.status < 500 && error.status !== 429;
}

function waitBeforeTry(attempt: number): number {
  return Math.min(FIRST_WAIT_MS * 2 ** Math.min(attempt - 1, 10), LONGEST_WAIT_MS);
}
