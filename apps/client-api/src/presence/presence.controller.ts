import type { Config } from '@atoll/config';
import { userIdSchema } from '@atoll/contract';
import { type Presence, PresenceReader } from '@atoll/database';
import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import { forbidden, type JsonObject, type UserId } from '@atoll/matrix';
import { Body, Controller, Get, Inject, Param, Put } from '@nestjs/common';
import { z } from 'zod';
import { textSchema } from '../auth/text.schema.js';
import { CONFIG } from '../platform/tokens.js';
import { setByUser } from './presence-changes.js';
import { presenceContent } from './presence-content.js';
import { PresenceWriter } from './presence-writer.js';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';

const MAX_STATUS_LENGTH = 1_024;

const bodySchema = z.object({
  presence: z.enum(['online', 'unavailable', 'offline'] satisfies Presence[]),
  status_msg: textSchema(MAX_STATUS_LENGTH).nullish(),
});

/**
 * A user's own presence, and that of those who share a room with the user. What a user sets stays until activity, another setting, a
 * device that begins to sync, or, when no device syncs, for half a minute; whoever syncs does not stay offline.
 * @see https://spec.matrix.org/v1.19/client-server-api/#put_matrixclientv3presenceuseridstatus
 */
@Controller('_matrix/client/v3/presence/:userId/status')
@AccessToken()
export class PresenceController {
  constructor(
    @Inject(CONFIG) private readonly config: Config,
    private readonly reader: PresenceReader,
    private readonly writer: PresenceWriter,
  ) {}

  @Put()
  @RateLimited('ephemeral')
  async setPresence(
    @Requester() requester: UserRequester,
    @Param('userId', { schema: userIdSchema }) userId: UserId,
    @Body({ schema: bodySchema }) { presence, status_msg }: z.output<typeof bodySchema>,
  ): Promise<JsonObject> {
    if (requester.userId !== userId) throw forbidden("This is somebody else's presence");
    if (this.config.presence) {
      await this.writer.change([userId], setByUser(presence, status_msg ?? null, Date.now()));
    }
    return {};
  }

  @Get()
  async getPresence(
    @Requester() requester: UserRequester,
    @Param('userId', { schema: userIdSchema }) userId: UserId,
  ): Promise<JsonObject> {
    if (requester.userId !== userId && !(await this.reader.sharesRoom(requester.userId, userId))) {
      throw forbidden('You are not allowed to see their presence');
    }
    const known = this.config.presence ? await this.reader.of(userId) : undefined;
    return known === undefined ? { presence: 'offline' } : presenceContent(known, Date.now());
  }
}
