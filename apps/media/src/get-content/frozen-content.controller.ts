import { Public } from '@atoll/http';
import { notFound } from '@atoll/matrix';
import { Controller, Get } from '@nestjs/common';

/**
 * The deprecated downloads without authentication, frozen from the start: all media is newer than the freeze.
 * @see https://spec.matrix.org/v1.19/client-server-api/#content-repo-client-behaviour
 */
@Controller('_matrix/media/v3/download/:serverName/:mediaId')
export class FrozenContentController {
  @Public()
  @Get(['', ':fileName'])
  getContent(): never {
    throw notFound('Media is served to users who are logged in: /_matrix/client/v1/media/download');
  }
}
