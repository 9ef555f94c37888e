import { AccessToken, optionalBody, Requester, RouteSettings, type UserRequester } from '@atoll/http';
import { isRoomId, type RoomId } from '@atoll/matrix';
import { Body, Controller, Header, HttpCode, Post, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { SyncingDevices } from '../presence/syncing-devices.js';
import { Waiter } from '../sync/waiting/waiter.js';
import { WaitingSyncs } from '../sync/waiting/waiting-syncs.js';
import { type StableRequest, stableRequestSchema } from './requests/stable-request.js';
import {
  type UnstableQuery,
  unstableQuerySchema,
  type UnstableRequest,
  unstableRequestSchema,
} from './requests/unstable-request.js';
import type { RoomConfig, SlidingRequest } from './sliding-request.js';
import { type SlidingPoll, SlidingSyncHandler } from './sliding-sync.handler.js';

/** Simplified sliding sync, as MSC4186 has it and as clients asked for it before. @see proposals/4186-simplified-sliding-sync.md */
@Controller('_matrix/client')
export class SlidingSyncController {
  constructor(
    private readonly handler: SlidingSyncHandler,
    private readonly waiting: WaitingSyncs,
    private readonly syncing: SyncingDevices,
  ) {}

  @Post('v4/sync')
  @AccessToken()
  @RouteSettings({ longPoll: true })
  @HttpCode(200)
  @Header('content-type', 'application/json')
  async stableSync(
    @Requester() requester: UserRequester,
    @Body({ schema: optionalBody(stableRequestSchema) }) body: StableRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const request = {
      dialect: 'stable' as const,
      userId: requester.userId,
      deviceId: requester.deviceId,
      connId: body.conn_id ?? '',
      lists: new Map(Object.entries(body.lists ?? {})),
      subscriptions: subscriptionsOf(Object.entries(body.room_subscriptions ?? {})),
      extensions: body.extensions ?? {},
    };
    return this.answer(request, body.set_presence, { pos: body.pos, timeoutMs: body.timeout ?? 0 }, reply);
  }

  @Post('unstable/org.matrix.simplified_msc3575/sync')
  @AccessToken()
  @RouteSettings({ longPoll: true })
  @HttpCode(200)
  @Header('content-type', 'application/json')
  async unstableSync(
    @Requester() requester: UserRequester,
    @Query({ schema: unstableQuerySchema }) query: UnstableQuery,
    @Body({ schema: optionalBody(unstableRequestSchema) }) body: UnstableRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const { userId, deviceId } = requester;
    const request = {
      dialect: 'unstable' as const,
      userId,
      deviceId,
      connId: body.conn_id ?? '',
      lists: new Map(Object.entries(body.lists ?? {}).map(([name, of]) => [name, of(userId)])),
      subscriptions: subscriptionsOf(
        Object.entries(body.room_subscriptions ?? {}).map(([room, of]) => [room, of(userId)]),
      ),
      extensions: body.extensions ?? {},
    };
    return this.answer(request, query.set_presence, { pos: query.pos, timeoutMs: query.timeout ?? 0 }, reply);
  }

  private async answer(
    request: SlidingRequest,
    presence: StableRequest['set_presence'],
    poll: SlidingPoll,
    reply: FastifyReply,
  ): Promise<string> {
    const { userId, deviceId } = request;
    const waiter = new Waiter(userId, deviceId);
    reply.raw.once('close', () => {
      this.waiting.close(waiter);
    });
    const end = await this.syncing.begin(userId, deviceId, presence);
    try {
      return await this.handler.answer(request, poll, waiter);
    } finally {
      end();
    }
  }
}

/** What is no room id names no room that there is. */
function subscriptionsOf(entries: readonly (readonly [string, RoomConfig])[]): Map<RoomId, RoomConfig> {
  return new Map(entries.filter((entry): entry is [RoomId, RoomConfig] => isRoomId(entry[0])));
}
