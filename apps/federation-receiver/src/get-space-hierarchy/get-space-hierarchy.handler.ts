import { isSpace, SpaceReader, type SummarizedRoom } from '@atoll/database';
import { type JsonObject, notFound, type RoomId, type ServerName } from '@atoll/matrix';
import { Inject, Injectable } from '@nestjs/common';
import { AccessibleRooms } from '../room-access/accessible-rooms.js';
import { OWN_SERVER_NAME } from '../room-access/own-server-name.js';

const MAX_CHILDREN = 100;

/** A space and its children, as far as the users of another server could join or read them. */
@Injectable()
export class GetSpaceHierarchyHandler {
  constructor(
    private readonly spaces: SpaceReader,
    private readonly accessible: AccessibleRooms,
    @Inject(OWN_SERVER_NAME) private readonly ownName: ServerName,
  ) {}

  /** @throws {MatrixError} 404 `M_NOT_FOUND` for a room that this server is not in, or that the other one may not know of */
  async handle(origin: ServerName, roomId: RoomId, suggestedOnly: boolean): Promise<JsonObject> {
    // 1. The room itself.
    const [space] = await this.spaces.summaries(this.ownName, [roomId]);
    if (space === undefined) throw notFound('Room not found');
    const accessibleSpace = await this.accessible.among(origin, [space]);
    if (!accessibleSpace.has(roomId)) throw notFound('Room not found');
    // 2. What it says about its children.
    const all = isSpace(space.summary) ? await this.spaces.children(space.room.roomNid, suggestedOnly) : [];
    const children = all.slice(0, MAX_CHILDREN);
    // 3. Those that this server knows, and which of them the other one could get into.
    const known = await this.spaces.summaries(
      this.ownName,
      children.map((child) => child.roomId),
    );
    const accessible = await this.accessible.among(origin, known);
    const isAccessible = ({ room }: SummarizedRoom) => accessible.has(room.roomId);
    return {
      room: { ...space.summary, children_state: children.map(({ stripped }) => stripped) },
      children: known.filter(isAccessible).map(({ summary }) => summary),
      inaccessible_children: known.filter((room) => !isAccessible(room)).map(({ room }) => room.roomId),
    };
  }
}
