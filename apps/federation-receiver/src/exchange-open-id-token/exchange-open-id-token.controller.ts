import { hashToken, OpenIdTokenReader } from '@atoll/database';
import { Public, unknownToken } from '@atoll/http';
import { MatrixError } from '@atoll/matrix';
import { Controller, Get, Query } from '@nestjs/common';
import { z } from 'zod';

const querySchema = z.object({ access_token: z.string().optional() });

/** For services that are no homeservers, hence unsigned. @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1openiduserinfo */
@Public()
@Controller('_matrix/federation/v1/openid/userinfo')
export class ExchangeOpenIdTokenController {
  constructor(private readonly tokens: OpenIdTokenReader) {}

  @Get()
  async exchangeOpenIdToken(
    @Query({ schema: querySchema }) { access_token: token }: z.output<typeof querySchema>,
  ) {
    if (token === undefined) throw new MatrixError(401, 'M_MISSING_TOKEN', 'Missing access token');
    const userId = await this.tokens.ownerOf(hashToken(token));
    if (userId === undefined) throw unknownToken();
    return { sub: userId };
  }
}
