import { Public } from '@atoll/http';
import { notFound } from '@atoll/matrix';
import { Controller, Get } from '@nestjs/common';

@Controller('/.well-known/matrix/policy_server')
@Public()
export class PolicyServerController {
  /** @see https://spec.matrix.org/v1.19/client-server-api/#getwell-knownmatrixpolicy_server */
  @Get()
  getWellknownPolicy(): never {
    throw notFound('This server is no policy server');
  }
}
