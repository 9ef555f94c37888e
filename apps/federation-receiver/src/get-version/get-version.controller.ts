import { readFileSync } from 'node:fs';
import { Public } from '@atoll/http';
import { Controller, Get } from '@nestjs/common';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

/** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1version */
@Controller('_matrix/federation/v1/version')
export class GetVersionController {
  @Public()
  @Get()
  getVersion() {
    return { server: { name: 'Atoll', version } };
  }
}
