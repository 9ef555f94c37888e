import { pointAt, positionOf } from '@atoll/database';
import type { JsonObject, RoomId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import type { Viewer } from '../../events/client-events.js';
import { pointOf, tokenOf } from '../../rooms/access/pagination-token.js';
import { RoomAccess } from '../../rooms/access/room-access.js';
import type { GetThreadRoots } from './get-thread-roots.controller.js';
import { ThreadPages } from './thread-pages.js';

/** Pages through the threads of a room. */
@Injectable()
export class GetThreadRootsHandler {
  constructor(
    private readonly access: RoomAccess,
    private readonly pages: ThreadPages,
  ) {}

  /**
   * 1. May the user read the room?
   * 2. A page of threads of which the user may see the root and a reply, by the latest reply of all.
   * @throws MatrixError 403 for the room, 400 for a token
   */
  async handle(viewer: Viewer, roomId: RoomId, query: GetThreadRoots): Promise<JsonObject> {
    const { room } = await this.access.readable(viewer.userId, roomId);
    const { chunk, end } = await this.pages.read(viewer, room.roomNid, {
      from: query.from === undefined ? undefined : positionOf(pointOf(query.from)),
      limit: query.limit,
      participated: query.include === 'participated',
    });
    return { chunk: [...chunk], ...(end !== undefined && { next_batch: tokenOf(pointAt(end)) }) };
  }
}
