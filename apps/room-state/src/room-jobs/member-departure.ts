import { randomUUID } from 'node:crypto';
import { ChangeMembership } from '@atoll/contract';
import type { Fence } from '@atoll/database';
import { MatrixError, type RoomId, type UserId } from '@atoll/matrix';
import { CommandContext } from '@atoll/redis-streams';
import type { ChangeMembershipHandler } from '../change-membership/change-membership.handler.js';

const LEAVE_MS = 60_000;
const TOO_MANY_REQUESTS = 429;
const SERVER_ERROR = 500;

/** Makes local users leave a room as if they had asked for it: joined ones, and those who are invited or knock, here or elsewhere. */
export class MemberDeparture {
  constructor(private readonly changes: ChangeMembershipHandler) {}

  /**
   * Leaving twice is harmless: somebody who has left stays as they are.
   * @returns why the user cannot be made to leave; undefined when they have left
   * @throws NotOwner, or MatrixError for what may pass
   */
  async leave(roomId: RoomId, user: UserId, fence: Fence): Promise<string | undefined> {
    const input = { roomId, sender: user, target: user, action: 'leave', content: {} } as const;
    const context = new CommandContext(
      ChangeMembership.pattern,
      randomUUID(),
      Date.now() + LEAVE_MS,
      fence.partition,
      fence.epoch,
      1,
    );
    try {
      await this.changes.handle(input, context);
      return undefined;
    } catch (error) {
      if (!(error instanceof MatrixError)) throw error;
      if (error.status >= SERVER_ERROR || error.status === TOO_MANY_REQUESTS) throw error;
      return error.message;
    }
  }
}
