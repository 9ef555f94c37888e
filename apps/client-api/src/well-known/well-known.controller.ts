import type { Config } from '@atoll/config';
import { Public } from '@atoll/http';
import { Controller, Get, Inject } from '@nestjs/common';
import { CONFIG } from '../platform/tokens.js';
import { rtcTransports } from '../rtc/rtc-transports.js';

@Controller('/.well-known/matrix/client')
@Public()
export class WellKnownController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixclient */
  @Get()
  getWellknown() {
    const transports = rtcTransports(this.config);
    return {
      'm.homeserver': { base_url: this.config.publicBaseurl },
      // Where calls looked for their transports before there was an endpoint for it; most clients still do.
      ...(transports.length > 0 && { 'org.matrix.msc4143.rtc_foci': transports }),
    };
  }
}
