import { AccessToken, Requester, RouteSettings, type UserRequester } from '@atoll/http';
import { Controller, Get, Header, Query, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { SyncingDevices } from '../presence/syncing-devices.js';
import { SyncFilterReader } from './sync-filter.reader.js';
import { stateFieldOf, type SyncQuery, syncQuerySchema } from './sync-request.js';
import { SyncHandler } from './sync.handler.js';
import { Waiter } from './waiting/waiter.js';
import { WaitingSyncs } from './waiting/waiting-syncs.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync */
@Controller('_matrix/client/v3')
export class SyncController {
  constructor(
    private readonly handler: SyncHandler,
    private readonly filters: SyncFilterReader,
    private readonly waiting: WaitingSyncs,
    private readonly syncing: SyncingDevices,
  ) {}

  @Get('sync')
  @AccessToken({ allowGuest: true })
  @RouteSettings({ longPoll: true })
  @Header('content-type', 'application/json')
  async sync(
    @Requester() { userId, deviceId }: UserRequester,
    @Query({ schema: syncQuerySchema }) query: SyncQuery,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<string> {
    const waiter = new Waiter(userId, deviceId);
    reply.raw.once('close', () => {
      this.waiting.close(waiter);
    });
    const request = {
      userId,
      deviceId,
      since: query.since?.positions,
      chain: query.since?.chain,
      fullState: query.full_state ?? false,
      stateField: stateFieldOf(query),
      toDevice: true,
      filter: await this.filters.find(userId, query.filter),
    };
    // Before anything is read, so that the user's own presence comes with this answer.
    const end = await this.syncing.begin(userId, deviceId, query.set_presence);
    try {
      return await this.handler.answer(request, query.timeout ?? 0, waiter);
    } finally {
      end();
    }
  }
}
