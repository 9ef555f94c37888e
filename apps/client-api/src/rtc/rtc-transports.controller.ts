import type { Config } from '@atoll/config';
import { AccessToken } from '@atoll/http';
import { Controller, Get, Inject } from '@nestjs/common';
import { CONFIG } from '../platform/tokens.js';
import { type RtcTransport, rtcTransports } from './rtc-transports.js';

/** @see https://github.com/matrix-org/matrix-spec-proposals/blob/main/proposals/4143-matrix-rtc.md#discovery-of-transport-infrastructure */
@Controller(['_matrix/client/v1/rtc/transports', '_matrix/client/unstable/org.matrix.msc4143/rtc/transports'])
export class RtcTransportsController {
  constructor(@Inject(CONFIG) private readonly config: Config) {}

  @Get()
  @AccessToken()
  getRtcTransports(): { rtc_transports: RtcTransport[] } {
    return { rtc_transports: rtcTransports(this.config) };
  }
}
