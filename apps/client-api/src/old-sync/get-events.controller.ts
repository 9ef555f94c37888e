import { roomIdSchema } from '@atoll/contract';
import {
  currentPositions,
  type Database,
  decodeToken,
  encodeToken,
  type StreamPositions,
} from '@atoll/database';
import { AccessToken, Requester, RouteSettings, type UserRequester } from '@atoll/http';
import { invalidParam, type JsonObject } from '@atoll/matrix';
import { Controller, Get, Inject, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { DATABASE } from '../platform/tokens.js';
import { compileSyncFilter } from '../sync/sync-filter.js';
import { SyncHandler } from '../sync/sync.handler.js';
import { Waiter } from '../sync/waiting/waiter.js';
import { WaitingSyncs } from '../sync/waiting/waiting-syncs.js';
import { Invites } from './invites.js';
import { eventsOfRooms, type SyncAnswer } from './old-sync-answer.js';
import { PeekEvents } from './peek-events.js';

const LONGEST_WAIT_MS = 120_000;

const querySchema = z.object({
  from: z.string().max(1024).optional(),
  timeout: z
    .string()
    .regex(/^\d{1,15}$/, 'not a number of milliseconds')
    .transform((value) => Math.min(Number(value), LONGEST_WAIT_MS))
    .default(0),
  room_id: roomIdSchema.optional(),
});

/** What happens from a point on: in all of a user's rooms, or in one that need not be the user's. */
@Controller('_matrix/client/v3/events')
export class GetEventsController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    private readonly sync: SyncHandler,
    private readonly waiting: WaitingSyncs,
    private readonly invites: Invites,
    private readonly peek: PeekEvents,
  ) {}

  /**
   * @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3events
   * @see https://spec.matrix.org/v1.19/client-server-api/#room-previews
   */
  @Get()
  @AccessToken({ allowGuest: true })
  @RouteSettings({ longPoll: true })
  async getEvents(
    @Requester() requester: UserRequester,
    @Query({ schema: querySchema }) { from, timeout, room_id }: z.output<typeof querySchema>,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<JsonObject> {
    const since = from === undefined ? await this.now() : decodeToken(from);
    if (since === undefined) throw invalidParam('from: not a token of this server');
    const waiter = new Waiter(requester.userId);
    reply.raw.once('close', () => {
      this.waiting.close(waiter);
    });
    const wait = { since, timeout, waiter };
    const { chunk, end } =
      room_id === undefined
        ? await this.ofUser(requester, wait)
        : await this.peek.next(requester, room_id, wait);
    return { start: from ?? encodeToken(since), end, chunk };
  }

  /** Nothing of this endpoint acknowledges messages to devices. */
  private async now(): Promise<StreamPositions> {
    return { ...(await currentPositions(this.database.db)), to_device: 0 };
  }

  private async ofUser(
    { userId, deviceId }: UserRequester,
    { since, timeout, waiter }: { since: StreamPositions; timeout: number; waiter: Waiter },
  ): Promise<{ chunk: JsonObject[]; end: string }> {
    const request = {
      ...{ userId, deviceId, since, filter: compileSyncFilter({ room: { timeline: { limit: 100 } } }) },
      ...{ fullState: false, stateField: 'state_after' as const, toDevice: false },
    };
    const answer = JSON.parse(await this.sync.answer(request, timeout, waiter)) as SyncAnswer;
    const invites = await this.invites.of({ userId, deviceId }, Object.keys(answer.rooms?.invite ?? {}));
    const chunk = [...(answer.presence?.events ?? []), ...eventsOfRooms(answer), ...invites.values()];
    return { chunk, end: answer.next_batch };
  }
}
