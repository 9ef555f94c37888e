import { roomIdSchema, TypingChanged, userIdSchema } from '@atoll/contract';
import { commitInLanes, type Database, TypingTransactor } from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { forbidden, type JsonObject, type RoomId, type UserId } from '@atoll/matrix';
import { Announcer } from '@atoll/redis-streams';
import { Body, Controller, Inject, Param, Put } from '@nestjs/common';
import { z } from 'zod';
import { DATABASE } from '../platform/tokens.js';
import { PresenceActivity } from '../presence/presence-activity.js';
import { RoomAccess } from '../rooms/access/room-access.js';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';

const DEFAULT_MS = 30_000;
/** A client that is gone types no longer than that. */
const LONGEST_MS = 120_000;

const bodySchema = z.object({
  typing: z.boolean(),
  timeout: z
    .number()
    .int()
    .nonnegative()
    .default(DEFAULT_MS)
    .transform((timeout) => Math.min(timeout, LONGEST_MS)),
});

/** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidtypinguserid */
@Controller('_matrix/client/v3/rooms/:roomId/typing/:userId')
@RateLimited('ephemeral')
export class SetTypingController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly access: RoomAccess,
    private readonly announcer: Announcer,
    private readonly activity: PresenceActivity,
  ) {}

  @Put()
  @AccessToken()
  async setTyping(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Param('userId', { schema: userIdSchema }) userId: UserId,
    @Body({ schema: bodySchema }) { typing, timeout }: z.output<typeof bodySchema>,
  ): Promise<JsonObject> {
    if (requester.userId !== userId) throw forbidden('Nobody types for others');
    const { roomNid } = await this.access.joined(userId, roomId);
    this.activity.bump(userId);
    const now = Date.now();
    const until = typing ? now + timeout : undefined;
    const taken = await commitInLanes(this.database.db, (trx, closing) =>
      new TypingTransactor(trx, closing).set([{ roomNid, userId, until }], now),
    );
    if (taken) this.announcer.publish(TypingChanged, { position: taken.at(0) });
    return {};
  }
}
