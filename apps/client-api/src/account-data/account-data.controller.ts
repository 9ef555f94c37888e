import type { Config } from '@atoll/config';
import { jsonObjectSchema } from '@atoll/contract';
import { AccountDataReader } from '@atoll/database';
import { AccessToken, Requester } from '@atoll/http';
import { type JsonObject, type RoomId, type UserId, notFound } from '@atoll/matrix';
import { Body, Controller, Get, Inject, Param, Put } from '@nestjs/common';
import type { RequesterInfo } from '../auth/requester-info.js';
import { CONFIG } from '../platform/tokens.js';
import { PUSH_RULES, pushRulesContent } from '../push-rules/push-rules-content.js';
import {
  type GlobalParams,
  globalParams,
  requireOwner,
  type RoomParams,
  roomParams,
} from './account-data.schemas.js';
import { PutAccountDataHandler } from './put-account-data.handler.js';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#client-config */
@Controller('/_matrix/client/v3/user/:userId')
@AccessToken()
export class AccountDataController {
  constructor(
    private readonly reader: AccountDataReader,
    private readonly handler: PutAccountDataHandler,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Put('account_data/:type')
  @RateLimited('account-data')
  async setAccountData(
    @Requester() requester: RequesterInfo,
    @Param({ schema: globalParams }) { userId, type }: GlobalParams,
    @Body({ schema: jsonObjectSchema }) content: JsonObject,
  ) {
    requireOwner(requester, userId);
    await this.handler.put(userId, '', type, content);
    return {};
  }

  @Get('account_data/:type')
  getAccountData(
    @Requester() requester: RequesterInfo,
    @Param({ schema: globalParams }) { userId, type }: GlobalParams,
  ): Promise<JsonObject> {
    requireOwner(requester, userId);
    return this.find(userId, '', type);
  }

  @Put('rooms/:roomId/account_data/:type')
  @RateLimited('account-data')
  async setAccountDataPerRoom(
    @Requester() requester: RequesterInfo,
    @Param({ schema: roomParams }) { userId, roomId, type }: RoomParams,
    @Body({ schema: jsonObjectSchema }) content: JsonObject,
  ) {
    requireOwner(requester, userId);
    await this.handler.put(userId, roomId, type, content);
    return {};
  }

  @Get('rooms/:roomId/account_data/:type')
  getAccountDataPerRoom(
    @Requester() requester: RequesterInfo,
    @Param({ schema: roomParams }) { userId, roomId, type }: RoomParams,
  ): Promise<JsonObject> {
    requireOwner(requester, userId);
    return this.find(userId, roomId, type);
  }

  private async find(userId: UserId, roomId: RoomId | '', type: string): Promise<JsonObject> {
    const content = await this.reader.find(userId, roomId, type);
    if (roomId === '' && type === PUSH_RULES) return pushRulesContent(userId, content, this.config);
    if (!content) throw notFound('Account data not found');
    return content;
  }
}
