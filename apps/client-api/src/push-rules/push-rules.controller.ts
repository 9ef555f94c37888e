import { AccessToken, Requester } from '@atoll/http';
import { Controller, Get } from '@nestjs/common';
import type { RequesterInfo } from '../auth/requester-info.js';
import { defaultPushRules } from './default-push-rules.js';

/**
 * The predefined rules, which clients read before their first sync; rules of one's own are not served yet.
 * @see https://spec.matrix.org/v1.19/client-server-api/#push-rules
 */
@Controller('/_matrix/client/v3/pushrules')
@AccessToken()
export class PushRulesController {
  @Get()
  getPushRules(@Requester() { userId }: RequesterInfo) {
    return { global: defaultPushRules(userId) };
  }

  @Get('global')
  getPushRulesGlobal(@Requester() { userId }: RequesterInfo) {
    return defaultPushRules(userId);
  }
}
