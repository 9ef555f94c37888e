import { roomIdSchema } from '@atoll/contract';
import type { PublishedRoomPageQuery } from '@atoll/database';
import { isRoomAlias, type JsonObject, notFound, type ServerName } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { RemoteQuery, unusable } from '../../federation/remote-query.js';

/** What an entry may say; other keys go, and so does a key that holds something else. */
const roomSchema = z.object({
  room_id: roomIdSchema,
  num_joined_members: z.number().int().nonnegative(),
  world_readable: z.boolean(),
  guest_can_join: z.boolean(),
  name: z.string().optional().catch(undefined),
  topic: z.string().optional().catch(undefined),
  canonical_alias: z.string().refine(isRoomAlias).optional().catch(undefined),
  avatar_url: z.string().startsWith('mxc://').optional().catch(undefined),
  join_rule: z.string().optional().catch(undefined),
  room_type: z.string().optional().catch(undefined),
});

const MAX_TOKEN_LENGTH = 2_048;
const tokenSchema = z.string().max(MAX_TOKEN_LENGTH).optional().catch(undefined);
const answerSchema = z.object({
  chunk: z.array(z.unknown()),
  next_batch: tokenSchema,
  prev_batch: tokenSchema,
  total_room_count_estimate: z.number().int().nonnegative().optional().catch(undefined),
});
const PATH = '/_matrix/federation/v1/publicRooms';
/** The largest page, with 4 KiB for each room. */
const MAX_ANSWER_BYTES = 2_097_152;

/** The published rooms of other servers, as those tell them. */
@Injectable()
export class RemoteDirectory {
  constructor(private readonly remote: RemoteQuery) {}

  /**
   * One page of another server's directory. Entries that are none are left out, and what exceeds the limit.
   * @throws MatrixError 404 when the server has no directory, 403, 502, 503 or 504 as `RemoteQuery` says
   * @see https://spec.matrix.org/v1.19/server-server-api/#post_matrixfederationv1publicrooms
   */
  async page(
    server: ServerName,
    query: PublishedRoomPageQuery & { readonly limit: number },
  ): Promise<JsonObject> {
    const answer = await this.remote.ask(server, { ...question(query), maxBytes: MAX_ANSWER_BYTES });
    if (answer === undefined) throw notFound(`The server ${server} has no room directory`);
    const { success, data } = answerSchema.safeParse(answer);
    if (!success) throw unusable(server);
    const { chunk, ...page } = data;
    const rooms = chunk.slice(0, query.limit).flatMap((room) => roomSchema.safeParse(room).data ?? []);
    return { chunk: rooms, ...page };
  }
}

/** Without a filter it is a GET, which every server understands. Of other servers, a limit of 0 would ask for everything. */
function question({
  limit: most,
  since,
  term,
  roomTypes,
}: PublishedRoomPageQuery & { readonly limit: number }) {
  const limit = Math.max(most, 1);
  if (term === undefined && roomTypes === undefined) {
    const parameters = new URLSearchParams({ limit: String(limit), ...(since !== undefined && { since }) });
    return { path: `${PATH}?${parameters.toString()}` };
  }
  const filter = {
    ...(term !== undefined && { generic_search_term: term }),
    ...(roomTypes !== undefined && { room_types: [...roomTypes] }),
  };
  return {
    method: 'POST' as const,
    path: PATH,
    content: { limit, filter, ...(since !== undefined && { since }) },
  };
}
