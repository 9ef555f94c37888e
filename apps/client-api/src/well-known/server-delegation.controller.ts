import type { Config } from '@atoll/config';
import { Public } from '@atoll/http';
import { type JsonObject, notFound } from '@atoll/matrix';
import { Controller, Get, Inject } from '@nestjs/common';
import { CONFIG } from '../platform/tokens.js';

/** Where other servers reach this one, if not by its name. */
@Controller('/.well-known/matrix/server')
@Public()
export class ServerDelegationController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#getwell-knownmatrixserver */
  @Get()
  getWellKnown(): JsonObject {
    const { delegatedServer } = this.config;
    if (delegatedServer === undefined) throw notFound('This server is reached by its name');
    return { 'm.server': delegatedServer };
  }
}
