import { type Database, hashToken, TokenTransactor } from '@atoll/database';
import { Public, unknownToken } from '@atoll/http';
import { Body, Controller, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import { DATABASE } from '../platform/tokens.js';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';
import { newTokens } from './session-issuer.js';

const refreshSchema = z.object({ refresh_token: z.string().max(1024) });

@Controller('/_matrix/client/v3/refresh')
@RateLimited('refresh-address')
@Public()
export class RefreshController {
  constructor(@Inject(DATABASE) private readonly database: Database) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3refresh */
  @Post()
  async refresh(@Body({ schema: refreshSchema }) body: z.output<typeof refreshSchema>) {
    const tokens = newTokens(true);
    const owner = await this.database.db
      .transaction()
      .execute((trx) => new TokenTransactor(trx).refresh(hashToken(body.refresh_token), tokens.stored));
    if (!owner) throw unknownToken();
    return tokens.body;
  }
}
