import { Public } from '@atoll/http';
import { Body, Controller, Get, Param, Post } from '@nestjs/common';
import type { z } from 'zod';
import { NotaryAnswers } from './notary-answers.js';
import { queryBodySchema, queryParamsSchema, serversOf } from './query-keys.schema.js';

/**
 * The notary. It answers from what this server already has. `minimum_valid_until_ts` says when to ask the origin again; where
 * that is not possible the last known keys are to be given, so it changes nothing here.
 */
@Public()
@Controller('_matrix/key/v2/query')
export class QueryKeysController {
  constructor(private readonly notary: NotaryAnswers) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixkeyv2queryservername */
  @Get(':serverName')
  async perspectivesKeyQuery(
    @Param({ schema: queryParamsSchema }) { serverName }: z.output<typeof queryParamsSchema>,
  ) {
    return { server_keys: await this.notary.about([serverName]) };
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixkeyv2query */
  @Post()
  async bulkPerspectivesKeyQuery(@Body({ schema: queryBodySchema }) body: z.output<typeof queryBodySchema>) {
    return { server_keys: await this.notary.about(serversOf(body)) };
  }
}
