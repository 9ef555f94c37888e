import { AccessToken, Requester } from '@atoll/http';
import { Controller, Get } from '@nestjs/common';
import type { RequesterInfo } from '../auth/requester-info.js';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';

@Controller('/_matrix/client/v3/account/whoami')
@RateLimited('own-account')
@AccessToken({ allowGuest: true })
export class WhoamiController {
  @Get()
  getTokenOwner(@Requester() { userId, deviceId, isGuest }: RequesterInfo) {
    return { user_id: userId, device_id: deviceId, is_guest: isGuest };
  }
}
