import type { Config } from '@atoll/config';
import { RoomReader, type RoomSummary, SpaceReader } from '@atoll/database';
import {
  type JsonObject,
  notFound,
  type RoomAlias,
  type RoomId,
  type ServerName,
  type UserId,
} from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { CONFIG } from '../../platform/tokens.js';
import { ResolveAlias } from '../directory/resolve-alias.js';
import { ViaServers } from '../membership/via-servers.js';
import { RemoteHierarchies } from '../room-discovery/remote-hierarchies.js';
import { isForEverybody, RoomEntry } from '../room-discovery/room-entry.js';

const ASK_MS = 15_000;

/** Tells what a room is to whoever may enter or read it. */
@Injectable()
export class GetRoomSummaryHandler {
  constructor(
    private readonly aliases: ResolveAlias,
    private readonly spaces: SpaceReader,
    private readonly remote: RemoteHierarchies,
    private readonly entry: RoomEntry,
    private readonly rooms: RoomReader,
    private readonly vias: ViaServers,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * 1. Which room is meant?
   * 2. What it says of itself, or what other servers say of it. No other server is asked for strangers.
   * 3. May the viewer know of it? Without a viewer, only what is for everybody.
   * 4. The viewer's own membership, beside it.
   * @throws MatrixError 404 also for a room that the viewer may not know of
   */
  async handle(
    viewer: UserId | undefined,
    idOrAlias: RoomId | RoomAlias,
    via: readonly ServerName[],
  ): Promise<JsonObject> {
    const { roomId, servers } = await this.aliases.target(idOrAlias);
    const [own] = await this.spaces.summaries(this.config.serverName, [roomId]);
    const summary = own?.summary ?? (viewer && (await this.ask(viewer, roomId, [...via, ...servers])));
    if (summary === undefined || !(await this.isVisible(viewer, summary))) throw notFound('Room not found');
    if (viewer === undefined) return summary;
    const membership = (await this.rooms.membershipsIn(viewer, [roomId])).get(roomId) ?? 'leave';
    return { ...summary, membership };
  }

  private async ask(
    viewer: UserId,
    roomId: RoomId,
    given: readonly ServerName[],
  ): Promise<RoomSummary | undefined> {
    const deadline = performance.now() + ASK_MS;
    const servers = await this.vias.of(viewer, roomId, given);
    return (await this.remote.ask({ roomId, servers, suggestedOnly: false, deadline }))?.room;
  }

  private async isVisible(viewer: UserId | undefined, summary: RoomSummary): Promise<boolean> {
    if (isForEverybody(summary)) return true;
    return viewer !== undefined && (await this.entry.of(viewer, [summary])).has(summary.room_id);
  }
}
