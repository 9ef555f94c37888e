import { serverNameSchema } from '@atoll/contract';
import { AccessToken, optionalBody, Public } from '@atoll/http';
import type { JsonObject } from '@atoll/matrix';
import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { textSchema } from '../../auth/text.schema.js';
import { PublicRoomsHandler } from './public-rooms.handler.js';
import { RateLimited } from '../../rate-limits/rate-limited.decorator.js';

const serverSchema = z.object({ server: serverNameSchema.optional() });
type Server = z.output<typeof serverSchema>;

const getPublicRoomsSchema = serverSchema.extend({
  limit: z.coerce.number().int().positive().optional(),
  since: z.string().optional(),
});
type GetPublicRooms = z.output<typeof getPublicRoomsSchema>;

const queryPublicRoomsSchema = optionalBody(
  z.object({
    limit: z.number().int().nonnegative().optional(),
    since: z.string().nullish(),
    filter: z
      .object({
        generic_search_term: textSchema(1024).nullish(),
        room_types: z.array(textSchema(255).nullable()).max(100).nullish(),
      })
      .nullish(),
    include_all_networks: z.boolean().optional(),
    third_party_instance_id: z.string().nullish(),
  }),
);
type QueryPublicRooms = z.output<typeof queryPublicRoomsSchema>;

/** The room directory of this server, and by way of it those of others. */
@Controller('_matrix/client/v3/publicRooms')
@RateLimited('lookup')
export class PublicRoomsController {
  constructor(private readonly handler: PublicRoomsHandler) {}

  /** @see https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3publicrooms */
  @Get()
  @Public()
  getPublicRooms(@Query({ schema: getPublicRoomsSchema }) query: GetPublicRooms): Promise<JsonObject> {
    return this.handler.handle(query.server, { limit: query.limit, since: query.since });
  }

  /** @see https://spec.matrix.org/v1.19/client-server-api/#post_matrixclientv3publicrooms */
  @Post()
  @AccessToken()
  queryPublicRooms(
    @Query({ schema: serverSchema }) { server }: Server,
    @Body({ schema: queryPublicRoomsSchema }) { limit, since, filter }: QueryPublicRooms,
  ): Promise<JsonObject> {
    return this.handler.handle(server, {
      limit,
      since: since ?? undefined,
      term: filter?.generic_search_term ?? undefined,
      roomTypes: filter?.room_types ?? undefined,
    });
  }
}
