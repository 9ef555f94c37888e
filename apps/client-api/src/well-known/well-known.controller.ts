import type { Config } from '@atoll/config';
import { Public } from '@atoll/http';
import { Controller, Get, Inject } from '@nestjs/common';
import { CONFIG } from '../platform/tokens.js';

@Controller('/.well-known/matrix/client')
@Public()
export class WellKnownController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixclient */
  @Get()
  getWellknown() {
    return { 'm.homeserver': { base_url: this.config.publicBaseurl } };
  }
}
