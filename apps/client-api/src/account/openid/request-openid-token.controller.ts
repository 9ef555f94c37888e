import type { Config } from '@atoll/config';
import { userIdSchema } from '@atoll/contract';
import { type Database, hashToken, OpenIdTokenTransactor } from '@atoll/database';
import { AccessToken, Requester } from '@atoll/http';
import { forbidden, type UserId } from '@atoll/matrix';
import { Controller, Inject, Param, Post } from '@nestjs/common';
import type { RequesterInfo } from '../../auth/requester-info.js';
import { newSecretToken } from '../../auth/secret-token.js';
import { CONFIG, DATABASE } from '../../platform/tokens.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

const LIFETIME_S = 3600;

/**
 * A token by which a third party learns who the user is; the federation listener exchanges it.
 * @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3useruseridopenidrequest_token
 */
@AccessToken()
@Controller('/_matrix/client/v3/user/:userId/openid/request_token')
@RateLimited('openid-token')
export class RequestOpenIdTokenController {
  constructor(
    @Inject(DATABASE) private readonly database: Database,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post()
  async requestOpenIdToken(
    @Requester() requester: RequesterInfo,
    @Param('userId', { schema: userIdSchema }) userId: UserId,
  ) {
    if (requester.userId !== userId) throw forbidden('Tokens are given to the user alone');
    const token = newSecretToken();
    const expiresTs = Date.now() + LIFETIME_S * 1000;
    await this.database.db
      .transaction()
      .execute((trx) => new OpenIdTokenTransactor(trx).issue(userId, hashToken(token), expiresTs));
    return {
      access_token: token,
      token_type: 'Bearer',
      matrix_server_name: this.config.serverName,
      expires_in: LIFETIME_S,
    };
  }
}
