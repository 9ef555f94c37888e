import { forbidden, type JsonObject, type UserId } from '@atoll/matrix';
import { Injectable } from '@nestjs/common';
import { ViaServers } from '../membership/via-servers.js';
import { VisibleRooms } from '../room-discovery/visible-rooms.js';
import { decodeHierarchyToken, encodeHierarchyToken, type HierarchyParameters } from './hierarchy-token.js';
import { SpaceWalk } from './space-walk.js';

export interface HierarchyPage extends HierarchyParameters {
  readonly limit: number;
  readonly from: string | undefined;
}

/** For all that one page asks of other servers. */
const ASK_MS = 20_000;
const MAX_ASKED_ROOMS = 30;

/** Pages through a space and what is in it. */
@Injectable()
export class GetSpaceHierarchyHandler {
  constructor(
    private readonly rooms: VisibleRooms,
    private readonly vias: ViaServers,
  ) {}

  /**
   * 1. Where the page begins.
   * 2. May the user know of the room?
   * 3. The rooms from there on.
   * @throws MatrixError 400 for a token of another request; 403 for a room that the user may not know of, and for one that nobody knows
   */
  async handle(viewer: UserId, { limit, from, ...parameters }: HierarchyPage): Promise<JsonObject> {
    const { roomId, suggestedOnly, maxDepth } = parameters;
    const point = from === undefined ? undefined : decodeHierarchyToken(from, parameters);
    const budget = { rooms: MAX_ASKED_ROOMS, deadline: performance.now() + ASK_MS };
    const look = { viewer, suggestedOnly, budget };
    const via = await this.vias.of(viewer, roomId);
    const [found] = await this.rooms.find([{ roomId, via }], look);
    if (found?.room === undefined) throw forbidden('You are not allowed to view this room');
    const walk = new SpaceWalk(this.rooms, look, { maxDepth, limit });
    if (point === undefined) walk.begin(found.room);
    else await walk.resume(found.room, point);
    const { rooms, next } = await walk.page();
    return { rooms, ...(next && { next_batch: encodeHierarchyToken(parameters, next) }) };
  }
}
