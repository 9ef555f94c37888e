import { Public } from '@atoll/http';
import { Controller, Get } from '@nestjs/common';
import { OwnServerKeys } from './own-server-keys.js';

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixkeyv2server */
@Controller('_matrix/key/v2/server')
export class GetServerKeyController {
  constructor(private readonly ownKeys: OwnServerKeys) {}

  @Public()
  @Get()
  getServerKey() {
    return this.ownKeys.signed();
  }
}
