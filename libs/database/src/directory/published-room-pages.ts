import { invalidParam, type JsonObject } from '@atoll/matrix';
import type { PublishedRoom, PublishedRoomReader } from './published-room-reader.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 500;
const MAX_OFFSET = 1_000_000;

/** What a client or a server asks of the directory. */
export interface PublishedRoomPageQuery {
  /** 0 and undefined for as many as one page holds. */
  readonly limit?: number | undefined;
  /** Token of the page. */
  readonly since?: string | undefined;
  readonly term?: string | undefined;
  readonly roomTypes?: readonly (string | null)[] | undefined;
}

/**
 * A page of this server's directory as clients and servers are told it. A token names how many rooms come before its page.
 * @throws {MatrixError} 400 `M_INVALID_PARAM` for a token of another directory
 * @see https://spec.matrix.org/v1.19/server-server-api/#get_matrixfederationv1publicrooms
 */
export async function publishedRoomPage(
  reader: PublishedRoomReader,
  { limit: asked, since, term, roomTypes }: PublishedRoomPageQuery,
): Promise<JsonObject> {
  const limit = pageLimit(asked);
  const offset = since === undefined ? 0 : offsetOf(since);
  const { rooms, total } = await reader.page({ term, roomTypes, limit, offset });
  const next = offset + rooms.length;
  return {
    chunk: rooms.map(toChunk),
    total_room_count_estimate: total,
    ...(next < total && rooms.length > 0 && { next_batch: tokenOf(next) }),
    ...(offset > 0 && { prev_batch: tokenOf(Math.max(0, offset - limit)) }),
  };
}

/** How many rooms a page holds of which so many were asked for. */
export function pageLimit(asked = 0): number {
  return asked === 0 ? DEFAULT_LIMIT : Math.min(asked, MAX_LIMIT);
}

function toChunk(room: PublishedRoom): JsonObject {
  const present = {
    name: room.name,
    topic: room.topic,
    canonical_alias: room.canonicalAlias,
    avatar_url: room.avatarUrl,
    join_rule: room.joinRule,
    room_type: room.roomType,
  };
  return {
    room_id: room.roomId,
    num_joined_members: room.joinedMembers,
    world_readable: room.historyVisibility === 'world_readable',
    guest_can_join: room.guestAccess === 'can_join',
    ...Object.fromEntries(Object.entries(present).filter(([, value]) => value !== null && value !== '')),
  };
}

const tokenOf = (offset: number) => `p${offset}`;

function offsetOf(token: string): number {
  const offset = /^p(\d{1,7})$/.exec(token)?.[1];
  if (offset === undefined || Number(offset) > MAX_OFFSET)
    throw invalidParam('Not a token of this directory');
  return Number(offset);
}
