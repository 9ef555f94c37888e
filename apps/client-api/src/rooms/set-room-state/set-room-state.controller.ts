import { jsonObjectSchema, roomIdSchema } from '@atoll/contract';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Body, Controller, Param, Put, Query } from '@nestjs/common';
import { RateLimiter } from '../../auth/rate-limiter.js';
import { DraftDelay, draftDelaySchema } from '../../delayed-events/draft-delay.js';
import { PresenceActivity } from '../../presence/presence-activity.js';
import { eventTypeSchema, stateKeySchema } from '../access/event-schemas.js';
import { membershipLimitOf } from './membership-limit.js';
import { SetRoomStateHandler } from './set-room-state.handler.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey */
@Controller('_matrix/client/v3/rooms/:roomId/state')
@RateLimited('message')
export class SetRoomStateController {
  constructor(
    private readonly handler: SetRoomStateHandler,
    private readonly delayed: DraftDelay,
    private readonly activity: PresenceActivity,
    private readonly limiter: RateLimiter,
  ) {}

  @Put([':eventType', ':eventType/:stateKey'])
  @AccessToken({ allowGuest: true })
  async setRoomStateWithKey(
    @Requester() { userId }: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Param('eventType', { schema: eventTypeSchema }) type: string,
    @Param('stateKey', { schema: stateKeySchema }) stateKey: string,
    @Query({ schema: draftDelaySchema }) delayMs: number | undefined,
    @Body({ schema: jsonObjectSchema }) content: JsonObject,
  ): Promise<JsonObject> {
    if (delayMs !== undefined) {
      return { ...(await this.delayed.schedule({ userId, roomId, type, stateKey, content, delayMs })) };
    }
    const limit = membershipLimitOf(type, content);
    if (limit !== undefined) await this.limiter.take(limit, userId);
    const event_id = await this.handler.handle(userId, roomId, { type, stateKey, content });
    this.activity.bump(userId);
    return { event_id };
  }
}
