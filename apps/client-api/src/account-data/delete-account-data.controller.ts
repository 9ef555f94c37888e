import { AccessToken, Requester } from '@atoll/http';
import { Controller, Delete, Param } from '@nestjs/common';
import type { RequesterInfo } from '../auth/requester-info.js';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';
import {
  type GlobalParams,
  globalParams,
  requireOwner,
  type RoomParams,
  roomParams,
} from './account-data.schemas.js';
import { DeleteAccountDataHandler } from './delete-account-data.handler.js';

/**
 * Not part of the specification, where an entry can only be emptied: afterwards it is not found, and first syncs do not tell it.
 * @see https://github.com/matrix-org/matrix-spec-proposals/pull/3391
 */
@Controller('/_matrix/client/unstable/org.matrix.msc3391/user/:userId')
@RateLimited('account-data')
@AccessToken()
export class DeleteAccountDataController {
  constructor(private readonly handler: DeleteAccountDataHandler) {}

  @Delete('account_data/:type')
  async deleteAccountData(
    @Requester() requester: RequesterInfo,
    @Param({ schema: globalParams }) { userId, type }: GlobalParams,
  ) {
    requireOwner(requester, userId);
    await this.handler.delete(userId, '', type);
    return {};
  }

  @Delete('rooms/:roomId/account_data/:type')
  async deleteAccountDataPerRoom(
    @Requester() requester: RequesterInfo,
    @Param({ schema: roomParams }) { userId, roomId, type }: RoomParams,
  ) {
    requireOwner(requester, userId);
    await this.handler.delete(userId, roomId, type);
    return {};
  }
}
