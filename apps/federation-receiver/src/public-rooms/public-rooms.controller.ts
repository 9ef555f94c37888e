import { PublishedRoomReader, publishedRoomPage } from '@atoll/database';
import { FederationSignature, optionalBody } from '@atoll/http';
import { Body, Controller, Get, Post, Query } from '@nestjs/common';
import { z } from 'zod';

/** PostgreSQL holds no NUL and no half characters. */
const textSchema = (maxLength: number) =>
  z
    .string()
    .max(maxLength)
    .refine((text) => !text.includes('\0') && text.isWellFormed(), 'holds a NUL or half a character');

const querySchema = z.object({
  limit: z.coerce.number().int().nonnegative().optional(),
  since: z.string().optional(),
});
type PublicRoomsQuery = z.output<typeof querySchema>;

const bodySchema = optionalBody(
  z.object({
    limit: z.int().nonnegative().optional(),
    since: z.string().nullish(),
    filter: z
      .object({
        generic_search_term: textSchema(1024).nullish(),
        room_types: z.array(textSchema(255).nullable()).max(100).nullish(),
      })
      .nullish(),
  }),
);
type PublicRoomsBody = z.output<typeof bodySchema>;

/** This server's room directory, for other servers. */
@FederationSignature()
@Controller('_matrix/federation/v1/publicRooms')
export class PublicRoomsController {
  constructor(private readonly published: PublishedRoomReader) {}

  /** @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1publicrooms */
  @Get()
  getPublicRooms(@Query({ schema: querySchema }) query: PublicRoomsQuery) {
    return publishedRoomPage(this.published, query);
  }

  /** @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1publicrooms */
  @Post()
  queryPublicRooms(@Body({ schema: bodySchema }) { limit, since, filter }: PublicRoomsBody) {
    return publishedRoomPage(this.published, {
      limit,
      since: since ?? undefined,
      term: filter?.generic_search_term ?? undefined,
      roomTypes: filter?.room_types ?? undefined,
    });
  }
}
