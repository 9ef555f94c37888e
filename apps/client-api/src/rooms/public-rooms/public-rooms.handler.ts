import type { Config } from '@atoll/config';
import { type PublishedRoom, PublishedRoomReader } from '@atoll/database';
import { invalidParam, type JsonObject, type ServerName } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';
import { RemoteDirectory } from './remote-directory.js';

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 500;
const MAX_OFFSET = 1_000_000;

export interface PublicRoomsQuery {
  readonly limit: number | undefined;
  readonly since: string | undefined;
  readonly term?: string | undefined;
  readonly roomTypes?: readonly (string | null)[] | undefined;
}

/** Pages through the published rooms. A token names how many rooms come before its page. */
@Injectable()
export class PublicRoomsHandler {
  constructor(
    private readonly published: PublishedRoomReader,
    private readonly remote: RemoteDirectory,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** @throws MatrixError as `RemoteDirectory.page` for the directory of another server */
  async handle(server: ServerName | undefined, query: PublicRoomsQuery): Promise<JsonObject> {
    const limit = Math.min(query.limit ?? DEFAULT_LIMIT, MAX_LIMIT);
    if (server !== undefined && server !== this.config.serverName) {
      return this.remote.page(server, { ...query, limit });
    }
    const offset = query.since === undefined ? 0 : offsetOf(query.since);
    const { rooms, total } = await this.published.page({ ...query, limit, offset });
    const next = offset + rooms.length;
    return {
      chunk: rooms.map(toChunk),
      total_room_count_estimate: total,
      ...(next < total && rooms.length > 0 && { next_batch: tokenOf(next) }),
      ...(offset > 0 && { prev_batch: tokenOf(Math.max(0, offset - limit)) }),
    };
  }
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
