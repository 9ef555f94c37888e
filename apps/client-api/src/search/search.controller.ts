import { AccessToken, Requester, type UserRequester } from '@atoll/http';
import type { JsonObject } from '@atoll/matrix';
import { Body, Controller, HttpCode, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { RateLimited } from '../rate-limits/rate-limited.decorator.js';
import { SearchHandler } from './search.handler.js';
import { type Search, searchSchema } from './search.schema.js';

const querySchema = z.object({ next_batch: z.string().max(1024).optional() });

/** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3search */
@Controller('_matrix/client/v3/search')
export class SearchController {
  constructor(private readonly handler: SearchHandler) {}

  @Post()
  @HttpCode(200)
  @AccessToken()
  @RateLimited('search')
  search(
    @Requester() requester: UserRequester,
    @Query({ schema: querySchema }) { next_batch }: z.output<typeof querySchema>,
    @Body({ schema: searchSchema }) body: Search,
  ): Promise<JsonObject> {
    return this.handler.handle(requester, body, next_batch);
  }
}
