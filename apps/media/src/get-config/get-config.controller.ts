import { AccessToken } from '@atoll/http';
import { Controller, Get } from '@nestjs/common';
import { MediaLimits } from '../media-limits.js';

/** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv1mediaconfig */
@Controller()
export class GetConfigController {
  constructor(private readonly limits: MediaLimits) {}

  @AccessToken()
  @Get(['_matrix/client/v1/media/config', '_matrix/media/v3/config'])
  getConfig() {
    return { 'm.upload.size': this.limits.maxUploadBytes };
  }
}
