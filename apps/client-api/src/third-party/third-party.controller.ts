import { roomAliasSchema, userIdSchema } from '@atoll/contract';
import { AccessToken } from '@atoll/http';
import { type JsonObject, notFound, type RoomAlias, type UserId } from '@atoll/matrix';
import { Controller, Get, Query } from '@nestjs/common';

/**
 * Third-party networks are the business of application services, of which this release knows none: there are no protocols.
 * @see https://spec.matrix.org/v1.19/client-server-api/#third-party-lookups
 */
@Controller('_matrix/client/v3/thirdparty')
@AccessToken()
export class ThirdPartyController {
  @Get('protocols')
  getProtocols(): JsonObject {
    return {};
  }

  @Get(['protocol/:protocol', 'location/:protocol', 'user/:protocol'])
  queryByProtocol(): never {
    throw notFound('There is no such protocol');
  }

  @Get('location')
  queryLocationByAlias(@Query('alias', { schema: roomAliasSchema }) alias: RoomAlias): never {
    throw notFound(`${alias} is no portal to a third-party location`);
  }

  @Get('user')
  queryUserById(@Query('userid', { schema: userIdSchema }) userId: UserId): never {
    throw notFound(`${userId} is not of a third-party network`);
  }
}
