import { eventIdSchema, roomIdSchema, userIdSchema } from '@atoll/contract';
import { ReportTransactor, RoomReader } from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { type EventId, type JsonObject, notFound, type RoomId, type UserId } from '@atoll/matrix';
import { Body, Controller, HttpCode, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { textSchema } from '../auth/text.schema.js';
import { VisibleEvent } from '../events/visible-event.js';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';

const reason = textSchema(4_096);
const bodySchema = z.object({ reason });
const eventBodySchema = z.object({ reason: reason.default('') });

/**
 * Rooms and users also by the paths from before the specification (MSC4151, MSC4260), which older clients take.
 * @see https://spec.matrix.org/v1.19/client-server-api/#reporting-content
 */
@Controller('_matrix/client')
@RateLimited('report-account')
@AccessToken()
export class ReportController {
  constructor(
    private readonly rooms: RoomReader,
    private readonly events: VisibleEvent,
    private readonly reports: ReportTransactor,
  ) {}

  /** By who is in the room and may see the event. */
  @Post('v3/rooms/:roomId/report/:eventId')
  @HttpCode(200)
  async reportEvent(
    @Requester() requester: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Param('eventId', { schema: eventIdSchema }) eventId: EventId,
    @Body({ schema: eventBodySchema }) body: z.output<typeof eventBodySchema>,
  ): Promise<JsonObject> {
    const event = (await this.events.find(requester, eventId))?.event;
    const membership = event && (await this.rooms.membershipOf(requester.userId, event.roomNid));
    if (event?.roomId !== roomId || membership?.membership !== 'join')
      throw notFound('There is no such event, or you are not in its room');
    await this.reports.add(requester.userId, { roomId, eventId }, body.reason);
    return {};
  }

  /** By anybody: rooms are met in directories and by invites, too. */
  @Post(['v3/rooms/:roomId/report', 'unstable/org.matrix.msc4151/rooms/:roomId/report'])
  @HttpCode(200)
  async reportRoom(
    @Requester() { userId }: UserRequester,
    @Param('roomId', { schema: roomIdSchema }) roomId: RoomId,
    @Body({ schema: bodySchema }) body: z.output<typeof bodySchema>,
  ): Promise<JsonObject> {
    if ((await this.rooms.byId(roomId)) === undefined) throw notFound('This server does not know the room');
    await this.reports.add(userId, { roomId }, body.reason);
    return {};
  }

  /** Whether there is such a user is not told. */
  @Post(['v3/users/:userId/report', 'unstable/org.matrix.msc4260/users/:userId/report'])
  @HttpCode(200)
  async reportUser(
    @Requester() requester: UserRequester,
    @Param('userId', { schema: userIdSchema }) userId: UserId,
    @Body({ schema: bodySchema }) body: z.output<typeof bodySchema>,
  ): Promise<JsonObject> {
    await this.reports.add(requester.userId, { userId }, body.reason);
    return {};
  }
}
