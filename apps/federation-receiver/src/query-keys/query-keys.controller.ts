import { Public } from '@atoll/http';
import { Body, Controller, Get, Param, Post, Query } from '@nestjs/common';
import type { z } from 'zod';
import { NotaryAnswers } from './notary-answers.js';
import { queryBodySchema, queryParamsSchema, queryQuerySchema, wantedOf } from './query-keys.schema.js';

/** The notary. */
@Public()
@Controller('_matrix/key/v2/query')
export class QueryKeysController {
  constructor(private readonly notary: NotaryAnswers) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixkeyv2queryservername */
  @Get(':serverName')
  async perspectivesKeyQuery(
    @Param({ schema: queryParamsSchema }) { serverName }: z.output<typeof queryParamsSchema>,
    @Query({ schema: queryQuerySchema }) query: z.output<typeof queryQuerySchema>,
  ) {
    const validUntil = query.minimum_valid_until_ts ?? Date.now();
    return { server_keys: await this.notary.about([{ serverName, validUntil, keyIds: [] }]) };
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixkeyv2query */
  @Post()
  async bulkPerspectivesKeyQuery(@Body({ schema: queryBodySchema }) body: z.output<typeof queryBodySchema>) {
    return { server_keys: await this.notary.about(wantedOf(body)) };
  }
}
